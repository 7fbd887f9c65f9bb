import { refuseRedisUrl } from '../../ports/state/redis-target.ts'
import type { StateConfig } from './core-config.ts'
import { list, path, pem, text, url } from './schema.ts'
import { optionalSetting, secretSetting, setting } from './setting.ts'
import type { Component } from './setting.ts'

const hostPort = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/

/** Where state is kept that must outlive a restart. */
export const stateSettings: Component<StateConfig>['settings'] = {
  stateDir: optionalSetting({
    name: 'state_dir',
    type: path('a directory'),
    describe: 'Directory of the state that must outlive a restart: cursors, checkpoints, the spool.',
    example: '/var/lib/millrace/state',
  }),
  stateUrl: optionalSetting({
    name: 'state_url',
    type: url(['redis', 'rediss'], refuseRedisUrl),
    describe:
      'Redis in which replicas share cursors, checkpoints, marks and leases: `redis://HOST:PORT/DATABASE`, or `rediss://` for TLS. It takes the place of `state_dir` for all but the spool.',
    example: 'redis://redis.openfaas:6379/0',
  }),
  stateSentinels: setting({
    name: 'state_sentinels',
    type: list({ allowed: 'a comma list of HOST:PORT, or HOST for port 26379', pattern: hostPort, maxItems: 100 }),
    default: '',
    describe: 'Sentinels that know where the master is; the host of `state_url` is then the name that they have for it.',
    example: 'sentinel-0:26379,sentinel-1:26379',
  }),
  statePrefix: setting({
    name: 'state_prefix',
    type: text({ maxLength: 64, pattern: /^[A-Za-z0-9._-]+$/, allowed: 'letters, digits and ._-, at most 64' }),
    default: 'millrace',
    describe: 'Goes before every key in Redis. Replicas of one connector have the same, other deployments another.',
    example: 'millrace-staging',
  }),
  stateUsername: secretSetting({
    name: 'state_username',
    type: text({ maxLength: 255 }),
    mounts: ['state-username'],
    describe: "User of Redis; Redis' default user when unset.",
    example: '/var/secrets/state-username',
  }),
  statePassword: secretSetting({
    name: 'state_password',
    type: text(),
    mounts: ['state-password'],
    describe: 'Password of Redis; a changed file is used from the next connection on.',
    example: '/var/secrets/state-password',
  }),
  stateSentinelPassword: secretSetting({
    name: 'state_sentinel_password',
    type: text(),
    mounts: ['state-sentinel-password'],
    describe: 'Password of the sentinels.',
    example: '/var/secrets/state-sentinel-password',
  }),
  stateTlsCa: secretSetting({
    name: 'state_tls_ca',
    type: pem('CERTIFICATE'),
    describe: 'Certificates to trust for `rediss://` instead of the public ones.',
    example: '/etc/millrace/redis-ca.pem',
  }),
  stateTlsCert: secretSetting({
    name: 'state_tls_cert',
    type: pem('CERTIFICATE'),
    describe: 'Client certificate for Redis.',
    example: '/etc/millrace/redis-client.pem',
  }),
  stateTlsKey: secretSetting({
    name: 'state_tls_key',
    type: pem('PRIVATE KEY'),
    describe: 'Private key of the client certificate.',
    example: '/etc/millrace/redis-client-key.pem',
  }),
}

/** Rules over these settings. */
export const checkState = (values: StateConfig, report: (name: string, reason: string) => void): void => {
  const { stateUrl, stateSentinels, stateTlsCa, stateTlsCert, stateTlsKey } = values
  if (stateSentinels.length > 0) {
    if (stateUrl === undefined) report('state_sentinels', 'there is no state_url; with sentinels it is redis://NAME_OF_THE_MASTER')
    else if (new URL(stateUrl).port !== '') report('state_url', 'with state_sentinels its host is the name of the master, without a port')
  }
  if (values.stateUsername !== undefined && values.statePassword === undefined)
    report('state_username', 'there is a user and no state_password')
  if ((stateTlsCert === undefined) !== (stateTlsKey === undefined))
    report('state_tls_cert', 'state_tls_cert and state_tls_key belong together; one of them is missing')
  if ((stateTlsCa ?? stateTlsCert) !== undefined && stateUrl !== undefined && !stateUrl.startsWith('rediss:'))
    report('state_url', 'there are certificates for it, but it is not rediss://')
}
