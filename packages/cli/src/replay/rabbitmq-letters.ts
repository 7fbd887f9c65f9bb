import { resolve } from 'node:path'
import { connectionOf, rabbitmqLetters, rabbitmqSettings, removeDeliveredRabbitmqLetters } from '@millrace/rabbitmq-connector'
import { coreSettings, loadConfig, nodeFileReader, silentLogger } from '@millrace/sdk'
import { wrongUsage } from '../failure.ts'
import type { CliIo } from '../io.ts'
import { settingArguments } from '../settings.ts'
import type { SettingFlags } from '../settings.ts'
import type { LetterPlace } from './letter-place.ts'

const scheme = 'rabbitmq://'
/** Several hosts by commas, or none; virtual host and queue percent-encoded. */
const address = /^rabbitmq:\/\/((?:(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?,?){0,32})\/(?:([^/]{1,800})\/)?([^/]{1,800})$/

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    throw wrongUsage('replay', 'a % in the address is no %XX')
  }
}

/** True for an argument that names a RabbitMQ queue and no file. */
export const isRabbitmqAddress = (given: string): boolean => given.startsWith(scheme)

/**
 * The letters in a dead-letter queue. What the address does not say, TLS and credentials come from the settings of the RabbitMQ connector
 * (`rabbitmq_url`, `rabbitmq_tls`, `rabbitmq_username`, ...).
 *
 * @throws ConfigError; MillraceError for an address that is none
 */
export const openRabbitmqLetters = async (given: string, flags: SettingFlags, io: CliIo): Promise<LetterPlace> => {
  const [, hosts, vhost, name] = address.exec(given) ?? []
  if (name === undefined)
    throw wrongUsage('replay', 'a RabbitMQ queue is named as rabbitmq://HOST:PORT/VHOST/QUEUE, without VHOST/ for the default one')
  const queue = decoded(name)
  const argv = [
    ...settingArguments(flags),
    ...(hosts === undefined || hosts === '' ? [] : [`--rabbitmq-hosts=${hosts}`]),
    ...(vhost === undefined ? [] : [`--rabbitmq-vhost=${decoded(vhost)}`]),
  ]
  const { values } = await loadConfig({ core: coreSettings, rabbitmq: rabbitmqSettings }, { argv, env: io.env, files: nodeFileReader })
  const place = { connection: connectionOf(values.rabbitmq), queue, logger: silentLogger }
  return {
    logPath: resolve(io.cwd, '.millrace', 'replayed', encodeURIComponent(queue)),
    read: (onUnreadable) => rabbitmqLetters({ ...place, onForeign: onUnreadable }),
    removeDelivered: (isDelivered) => removeDeliveredRabbitmqLetters(place, isDelivered),
  }
}
