import { promisify } from 'node:util'
import { gunzip, gzip, zstdCompress, zstdDecompress } from 'node:zlib'
import type { Codec } from './codec.ts'

const [pack, unpack, zstdPack, zstdUnpack] = [promisify(gzip), promisify(gunzip), promisify(zstdCompress), promisify(zstdDecompress)]

/** kafkajs has its own, without a bound. */
export const gzipCodec: Codec = {
  name: 'gzip',
  compress: (bytes) => pack(bytes),
  decompress: (bytes, max) => unpack(bytes, { maxOutputLength: max }),
}

/** By Node, from 22.15 on. */
export const zstdCodec: Codec = {
  name: 'zstd',
  compress: (bytes) => zstdPack(bytes),
  decompress: (bytes, max) => zstdUnpack(bytes, { maxOutputLength: max }),
}
