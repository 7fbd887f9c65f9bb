import { connect, credentials, type ChannelModel, type ConfirmChannel, type Options } from 'amqplib'

export type { ConfirmChannel } from 'amqplib'

export interface ConnectOptions {
  /** PEM. Of TLS doors. */
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  /** The certificate says who it is. */
  readonly external?: boolean
  /** Shown by the management API. */
  readonly name?: string
}

/** A plain amqplib connection that does not come back when it is lost. An error of it is no uncaught exception. */
export const connectTo = async (url: string, options: ConnectOptions = {}): Promise<ChannelModel> => {
  const { ca, cert, key, external = false, name = 'test' } = options
  const settings: Record<string, unknown> = {
    timeout: 10_000,
    noDelay: true,
    clientProperties: { connection_name: name },
    ...(ca !== undefined && { ca: [ca] }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(external && { credentials: credentials.external() }),
  }
  const connection = await connect(url, settings)
  connection.on('error', () => undefined)
  return connection
}

/** Lends a channel with confirms and takes it back. What happens to the channel shows in the call that is made. */
export const withChannel = async <T>(
  url: string,
  use: (channel: ConfirmChannel) => Promise<T>,
  options: ConnectOptions = {},
): Promise<T> => {
  const connection = await connectTo(url, options)
  try {
    const channel = await connection.createConfirmChannel()
    channel.on('error', () => undefined)
    const result = await use(channel)
    // First the channel: amqplib's `connection.close()` overtakes the acknowledgements before it, and they are lost.
    await channel.close().catch(() => undefined)
    return result
  } finally {
    await connection.close().catch(() => undefined)
  }
}

/** Resolves when the broker has confirmed the message; rejects when it refuses it, and when no queue takes it (the default exchange). */
export const publishConfirmed = (
  channel: ConfirmChannel,
  target: { readonly exchange: string; readonly routingKey: string },
  body: string | Uint8Array,
  options: Options.Publish = {},
): Promise<void> =>
  new Promise((resolve, reject) => {
    channel.publish(target.exchange, target.routingKey, Buffer.from(body), { persistent: true, ...options }, (error: unknown) => {
      if (error === null || error === undefined) resolve()
      else reject(error instanceof Error ? error : new Error('the broker refused the message'))
    })
  })
