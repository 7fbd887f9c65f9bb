import type { Codec } from '../codecs/codec.ts'
import { decompressBounded } from '../codecs/codec.ts'
import { lz4Codec } from '../codecs/lz4-codec.ts'
import { snappyCodec } from '../codecs/snappy-codec.ts'
import { gzipCodec, zstdCodec } from '../codecs/zlib-codecs.ts'
import { CompressionCodecs, CompressionTypes } from './kafkajs.ts'

/** What kafkajs calls: with an encoder that has a `buffer`, or with bytes. */
const adapted = (codec: Codec, max: number) => () => ({
  compress: ({ buffer }: { readonly buffer: Buffer }): Promise<Buffer> => codec.compress(buffer),
  decompress: (bytes: Buffer): Promise<Buffer> => decompressBounded(codec, bytes, max),
})

/** @see registerCodecs */
export const defaultMaxBatchBytes: number = 64 * 1024 * 1024

/**
 * Gives kafkajs all four codecs, in place of its own gzip, which has no bound. kafkajs keeps them for the whole process; calling it
 * again changes the bound.
 *
 * @param maxBatchBytes what one batch may have when it is unpacked. A longer one stops its consumer with `E_KAFKA_COMPRESSION`
 */
export const registerCodecs = (maxBatchBytes: number = defaultMaxBatchBytes): void => {
  CompressionCodecs[CompressionTypes.GZIP] = adapted(gzipCodec, maxBatchBytes)
  CompressionCodecs[CompressionTypes.Snappy] = adapted(snappyCodec, maxBatchBytes)
  CompressionCodecs[CompressionTypes.LZ4] = adapted(lz4Codec, maxBatchBytes)
  CompressionCodecs[CompressionTypes.ZSTD] = adapted(zstdCodec, maxBatchBytes)
}
