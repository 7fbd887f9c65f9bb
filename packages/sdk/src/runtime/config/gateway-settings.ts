import { isMillraceError } from '../../core/errors.ts'
import { parseGatewayUrl } from '../../ports/gateway/gateway-url.ts'
import type { GatewayConfig } from './core-config.ts'
import { boolean, duration, list, path, pem, text, url } from './schema.ts'
import type { RawValue } from './schema.ts'
import { optionalSetting, secretSetting, setting } from './setting.ts'
import type { Component } from './setting.ts'

/** What the gateway client would refuse later is a configuration mistake now (S14). */
const refuseGatewayUrl = (text: string): string | undefined => {
  try {
    parseGatewayUrl(text)
    return undefined
  } catch (error) {
    return isMillraceError(error) ? String(error.context['why']) : 'it is not a URL'
  }
}

/** Ratehub's connector puts `http://` before GATEWAY_URI itself (`https://` with GATEWAY_SSL, which `coreSettings` compares). */
const translateUri = (name: string, raw: RawValue): RawValue =>
  name === 'gateway_uri' && typeof raw === 'string' && !raw.includes('://') ? `http://${raw.trim()}` : raw

const foreignUri = (variable: string, value: string): string | undefined =>
  /^gateway_uri$/i.test(variable) && value.includes('://')
    ? 'it is a URL, and this name has the form HOST:PORT; gateway_url takes URLs'
    : undefined

const namespaces = list({ allowed: 'a comma list of namespaces', pattern: /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, maxItems: 1000 })

/** The gateway, its functions and how they are called. */
export const gatewaySettings: Component<GatewayConfig>['settings'] = {
  gatewayUrl: setting({
    name: 'gateway_url',
    aliases: ['open_faas_gw_url', 'gateway_uri'],
    type: url(['http', 'https'], refuseGatewayUrl),
    default: 'http://gateway:8080',
    describe: 'Base URL of the OpenFaaS gateway; it may have a path prefix.',
    example: 'http://gateway.openfaas:8080',
    translate: translateUri,
    foreign: foreignUri,
  }),
  gatewaySsl: setting({
    name: 'gateway_ssl',
    type: boolean(),
    default: 'false',
    describe:
      'Accepted for deployments of the Ratehub connector. `true` is refused unless `gateway_url` is an https one, which is enough by itself.',
    example: 'false',
  }),
  gatewayTlsCa: optionalSetting({
    name: 'gateway_tls_ca',
    type: pem('CERTIFICATE'),
    fileForm: true,
    describe: 'Certificates to trust for an https gateway instead of the public ones.',
    example: '/etc/millrace/gateway-ca.pem',
  }),
  gatewayTlsCert: optionalSetting({
    name: 'gateway_tls_cert',
    type: pem('CERTIFICATE'),
    fileForm: true,
    describe: 'Client certificate for the gateway.',
    example: '/etc/millrace/client.pem',
  }),
  gatewayTlsKey: secretSetting({
    name: 'gateway_tls_key',
    type: pem('PRIVATE KEY'),
    describe: 'Private key of the client certificate.',
    example: '/etc/millrace/client-key.pem',
  }),
  basicAuth: setting({
    name: 'basic_auth',
    type: boolean(),
    default: 'false',
    describe: 'Send the gateway credentials to `/system/*`. They never go to a function.',
    example: 'true',
  }),
  basicAuthUser: secretSetting({
    name: 'basic_auth_user',
    type: text({ maxLength: 255, pattern: /^[^:]+$/, allowed: 'text without a colon' }),
    aliases: ['gateway_user'],
    mounts: ['basic-auth-user'],
    describe: 'User of the gateway.',
    example: '/var/secrets/basic-auth-user',
  }),
  basicAuthPassword: secretSetting({
    name: 'basic_auth_password',
    type: text(),
    aliases: ['gateway_pass'],
    mounts: ['basic-auth-password'],
    describe: 'Password of the gateway.',
    example: '/var/secrets/basic-auth-password',
  }),
  secretMountPath: setting({
    name: 'secret_mount_path',
    type: path('a directory'),
    default: '/var/secrets',
    describe: 'Where secrets are mounted. Unless it is set, `/var/openfaas/secrets` is looked at as well.',
    example: '/var/secrets',
  }),
  upstreamTimeoutMs: setting({
    name: 'upstream_timeout',
    aliases: ['req_timeout'],
    type: duration('1ms', '24h'),
    default: '2m',
    describe: 'Time for one invocation, from connecting to the last byte of the reply. The function can override it.',
    example: '30s',
  }),
  rebuildIntervalMs: setting({
    name: 'rebuild_interval',
    aliases: ['topic_map_refresh_time'],
    type: duration('100ms', '1h'),
    default: '30s',
    describe: 'How often the functions and their topics are read from the gateway.',
    example: '10s',
  }),
  asynchronousInvocation: setting({
    name: 'asynchronous_invocation',
    type: boolean(),
    default: 'false',
    describe: 'Call `/async-function/`: an event is settled once the gateway has queued it, not once the function has succeeded.',
    example: 'true',
  }),
  contentType: optionalSetting({
    name: 'content_type',
    type: text({ maxLength: 200, pattern: /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:\s*;.*)?$/, allowed: 'a media type' }),
    describe: 'Content type of events that have none of their own; `text/plain` when unset.',
    example: 'application/json',
  }),
  topicDelimiter: setting({
    name: 'topic_delimiter',
    type: text({ maxLength: 8 }),
    default: ',',
    describe: 'Accepted for existing deployments. Topics in an annotation are always divided by commas.',
    example: ',',
    warn: (value) => (value === ',' ? undefined : 'topics are divided by commas; another delimiter is ignored'),
  }),
  namespacesAllow: setting({
    name: 'namespaces',
    aliases: ['namespaces_allow'],
    type: namespaces,
    default: '',
    describe: 'Only functions of these namespaces are called; empty means all.',
    example: 'openfaas-fn,staging',
  }),
  namespacesDeny: setting({
    name: 'namespaces_deny',
    type: namespaces,
    default: '',
    describe: 'Functions of these namespaces are never called.',
    example: 'kube-system',
  }),
}
