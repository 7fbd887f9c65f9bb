import { duration, integer, Secret, secretSetting, setting, size, text } from '@millrace/sdk'
import type { Component, SecretReference, SettingType } from '@millrace/sdk'
import type { HttpSourceOptions } from './options.ts'

/** The part of the configuration that the HTTP event source declares. */
export interface HttpConfig {
  readonly eventsHost: string
  readonly eventsPort: number
  readonly eventsToken: SecretReference | undefined
  readonly eventsMaxBody: number
  readonly eventsMaxWaitMs: number
  readonly eventsMaxWaiting: number
  readonly eventsMaxConnections: number
  readonly eventsRequestTimeoutMs: number
}

/** RFC 6750 section 2.1, several for a rotation. */
const tokens: SettingType<string> = text({
  maxLength: 4096,
  pattern: /^[A-Za-z0-9\-._~+/]{8,}=*(?:,[A-Za-z0-9\-._~+/]{8,}=*){0,15}$/,
  allowed: 'a token of at least 8 letters, digits and -._~+/, or up to 16 of them with commas between',
})

/** The settings of the HTTP event source. */
export const httpSettings: Component<HttpConfig> = {
  title: 'HTTP events',
  settings: {
    eventsHost: setting({
      name: 'events_host',
      type: text({ maxLength: 255, pattern: /^[\w.:-]+$/, allowed: 'an address or a host name' }),
      default: '127.0.0.1',
      describe: 'Address on which events are taken. In a container: 0.0.0.0, with events_token.',
      example: '0.0.0.0',
    }),
    eventsPort: setting({
      name: 'events_port',
      type: integer(0, 65_535),
      default: '8083',
      describe: 'Port on which events are taken; 0 takes a free one.',
      example: '9000',
    }),
    eventsToken: secretSetting({
      name: 'events_token',
      type: tokens,
      mounts: ['events-token'],
      describe:
        'Bearer token that a publisher must send, or several with commas between while they are exchanged. Absent: everybody may publish.',
      example: '/var/secrets/events-token',
    }),
    eventsMaxBody: setting({
      name: 'events_max_body',
      type: size('1', '1GiB'),
      default: '16MiB',
      describe: 'Largest body; above it 413. An event above max_event_bytes would go to the dead letters, so keep it at or below that.',
      example: '1MiB',
    }),
    eventsMaxWaitMs: setting({
      name: 'events_max_wait',
      type: duration('1ms', '24h'),
      default: '120s',
      describe: 'What `?wait=true` waits for, and the longest that `?wait=DURATION` may ask for.',
      example: '30s',
    }),
    eventsMaxWaiting: setting({
      name: 'events_max_waiting',
      type: integer(1, 100_000),
      default: '1000',
      describe: 'Clients that wait for results at once; above it 429.',
      example: '200',
    }),
    eventsMaxConnections: setting({
      name: 'events_max_connections',
      type: integer(1, 100_000),
      default: '1024',
      describe: 'Connections at once; further ones are closed.',
      example: '4096',
    }),
    eventsRequestTimeoutMs: setting({
      name: 'events_request_timeout',
      type: duration('1s', '1h'),
      default: '60s',
      describe: 'Until a request with its body must be there; after it 408.',
      example: '5m',
    }),
  },
}

/** The options of `httpSource` that these settings say. */
export const httpOptions = (config: HttpConfig): HttpSourceOptions => {
  const { eventsToken } = config
  return {
    host: config.eventsHost,
    port: config.eventsPort,
    maxBodyBytes: config.eventsMaxBody,
    maxWaitMs: config.eventsMaxWaitMs,
    maxWaiting: config.eventsMaxWaiting,
    maxConnections: config.eventsMaxConnections,
    requestTimeoutMs: config.eventsRequestTimeoutMs,
    ...(eventsToken !== undefined && {
      tokens: async () =>
        (await eventsToken.read())
          .reveal()
          .split(',')
          .map((token) => new Secret(token)),
    }),
  }
}

/** True when anybody on the network could publish. */
export const isOpenToAll = (config: HttpConfig): boolean =>
  config.eventsToken === undefined && !/^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/.test(config.eventsHost)
