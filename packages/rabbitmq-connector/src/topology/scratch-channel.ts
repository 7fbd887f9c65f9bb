import type { AmqpChannel, AmqpLink } from '../transport/transport.ts'

/** Where channels come from. */
export type ChannelDoor = Pick<AmqpLink, 'openChannel'>

/**
 * A channel to declare on. The broker closes a channel over every refusal, so it is one that nothing else lives on, and the next call after
 * an error opens another.
 */
export class ScratchChannel {
  readonly #door: ChannelDoor
  #channel: AmqpChannel | undefined

  constructor(door: ChannelDoor) {
    this.#door = door
  }

  async run<T>(call: (channel: AmqpChannel) => Promise<T>): Promise<T> {
    if (this.#channel?.lost.aborted === true) this.#channel = undefined
    const channel = (this.#channel ??= await this.#door.openChannel())
    try {
      return await call(channel)
    } catch (error) {
      this.#channel = undefined
      await channel.close()
      throw error
    }
  }

  async close(): Promise<void> {
    const channel = this.#channel
    this.#channel = undefined
    await channel?.close()
  }
}
