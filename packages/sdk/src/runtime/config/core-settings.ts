import type { Secret } from '../../core/secret.ts'
import type { CoreConfig } from './core-config.ts'
import { deliverySettings } from './delivery-settings.ts'
import { gatewaySettings } from './gateway-settings.ts'
import { operationSettings } from './operation-settings.ts'
import { checkState, stateSettings } from './state-settings.ts'
import type { Component } from './setting.ts'

const check = (values: CoreConfig, report: (name: string, reason: string) => void): void => {
  if (values.basicAuth && values.basicAuthUser === undefined)
    report('basic_auth_user', `basic_auth is on, but there is no user: neither a setting nor ${values.secretMountPath}/basic-auth-user`)
  if (values.basicAuth && values.basicAuthPassword === undefined)
    report(
      'basic_auth_password',
      `basic_auth is on, but there is no password: neither a setting nor ${values.secretMountPath}/basic-auth-password`,
    )
  if (values.gatewaySsl && !values.gatewayUrl.startsWith('https://'))
    report('gateway_ssl', 'the gateway is to be spoken to with TLS, and its URL is not an https one: set gateway_url=https://HOST:PORT')
  if (values.retryMinWaitMs > values.retryMaxWaitMs) report('retry_min_wait', 'it is longer than retry_max_wait')
  if (values.maxEventBytes > values.queueMaxBytes) report('max_event_bytes', 'it is more than queue_max_bytes')
  if ((values.gatewayTlsCert === undefined) !== (values.gatewayTlsKey === undefined))
    report('gateway_tls_cert', 'gateway_tls_cert and gateway_tls_key belong together; one of them is missing')
  checkState(values, report)
}

/** The settings of every connector. */
export const coreSettings: Component<CoreConfig> = {
  title: 'Every connector',
  settings: { ...gatewaySettings, ...deliverySettings, ...stateSettings, ...operationSettings },
  check,
}

/** The gateway credentials, read again whenever their files change; `undefined` when `basic_auth` is off. */
export const gatewayCredentials = (
  config: CoreConfig,
): (() => Promise<{ readonly user: string; readonly password: Secret }>) | undefined => {
  const { basicAuth, basicAuthUser, basicAuthPassword } = config
  if (!basicAuth || basicAuthUser === undefined || basicAuthPassword === undefined) return undefined
  return async () => {
    const [user, password] = await Promise.all([basicAuthUser.read(), basicAuthPassword.read()])
    return { user: user.reveal(), password }
  }
}
