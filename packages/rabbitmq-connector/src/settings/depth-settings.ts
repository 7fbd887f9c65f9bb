import { duration, optionalSetting, secretSetting, setting, text, url } from '@millrace/sdk'
import type { SecretReference, Setting } from '@millrace/sdk'

/** Where the lengths of queues come from. Times in milliseconds. */
export interface DepthConfig {
  readonly managementUrl: string | undefined
  readonly managementUsername: SecretReference | undefined
  readonly managementPassword: SecretReference | undefined
  readonly depthIntervalMs: number
}

/** Settings of the gauges of queues. */
export const depthSettings: { readonly [K in keyof DepthConfig]: Setting<DepthConfig[K]> } = {
  managementUrl: optionalSetting({
    name: 'rabbitmq_management_url',
    type: url(['https', 'http']),
    describe: 'The management API, for metrics: it tells how many messages are unacknowledged. Without it only ready ones are known.',
    example: 'http://rabbitmq:15672',
  }),
  managementUsername: secretSetting({
    name: 'rabbitmq_management_username',
    type: text({ maxLength: 1024, pattern: /^[^:]+$/, allowed: 'text without a colon' }),
    describe: 'User of the management API, with the tag monitoring. Absent: that of the broker.',
    example: '/var/secrets/management-username',
  }),
  managementPassword: secretSetting({
    name: 'rabbitmq_management_password',
    type: text({ maxLength: 4096 }),
    describe: 'Password of that user.',
    example: '/var/secrets/management-password',
  }),
  depthIntervalMs: setting({
    name: 'rabbitmq_depth_interval',
    type: duration('1s', '1h'),
    default: '15s',
    describe: 'How often the broker is asked how long the queues are, for metrics.',
    example: '1m',
  }),
}

/** Rules over several of them. */
export const checkDepths = (values: Readonly<DepthConfig>, report: (name: string, reason: string) => void): void => {
  const { managementUrl, managementUsername, managementPassword } = values
  if ((managementUsername === undefined) !== (managementPassword === undefined))
    report('rabbitmq_management_password', 'user and password go together')
  if (managementUrl === undefined && managementUsername !== undefined)
    report('rabbitmq_management_url', 'a user of it is given, and it is not')
}
