import { describeError, isMillraceError, MillraceError } from '@millrace/sdk'

/** A compression of record batches. */
export interface Codec {
  readonly name: 'gzip' | 'snappy' | 'lz4' | 'zstd'
  compress(bytes: Buffer): Promise<Buffer>
  /** @throws anything for bytes that are not of this form, or that would become longer than `max` */
  decompress(bytes: Buffer, max: number): Promise<Buffer>
}

/** The bytes would become longer than is allowed. */
export class TooLong extends Error {
  override readonly name: string = 'TooLong'

  constructor(max: number) {
    super(`it is longer than ${max} bytes when it is unpacked`)
  }
}

/**
 * Decompresses with a bound: a batch of a few KiB may claim gigabytes.
 *
 * @throws MillraceError `E_KAFKA_COMPRESSION`; it has `retriable: false`, so that kafkajs does not try the same bytes again
 */
export const decompressBounded = async (codec: Codec, bytes: Buffer, max: number): Promise<Buffer> => {
  try {
    return await codec.decompress(bytes, max)
  } catch (error) {
    if (isMillraceError(error)) throw error
    const tooLong = (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE'
    const reason = tooLong ? new TooLong(max).message : describeError(error, 200)
    // Without `cause`: kafkajs would hand on that one instead of this error.
    throw Object.assign(new MillraceError('E_KAFKA_COMPRESSION', { codec: codec.name, reason, bytes: bytes.length }), { retriable: false })
  }
}
