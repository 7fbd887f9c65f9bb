import { createRequire } from 'node:module'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decompressBounded } from '../../src/codecs/codec.ts'
import { lz4Codec } from '../../src/codecs/lz4-codec.ts'
import { snappyCodec } from '../../src/codecs/snappy-codec.ts'
import { gzipCodec, zstdCodec } from '../../src/codecs/zlib-codecs.ts'

const load = createRequire(import.meta.url)
const snappy = load('snappyjs') as { compress(bytes: Buffer): Buffer }
const lz4js = load('lz4js') as { compress(bytes: Uint8Array): Uint8Array }
const codecs = [gzipCodec, snappyCodec, lz4Codec, zstdCodec]
const mebibyte = 1024 * 1024

/** Bytes with repeats, so that matches of all kinds come up. */
const content = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 30 }), fc.integer({ min: 1, max: 400 })), { maxLength: 12 })
  .map((runs) => Buffer.concat(runs.flatMap(([bytes, times]) => Array.from({ length: times }, () => bytes))))

describe.each(codecs)('$name', (codec) => {
  it('gives back what it was given', async () => {
    await fc.assert(
      fc.asyncProperty(content, async (bytes) => {
        expect((await codec.decompress(await codec.compress(bytes), mebibyte)).equals(bytes)).toBe(true)
      }),
      { numRuns: 30 },
    )
  })

  it('T43 refuses what becomes longer than allowed, and takes exactly as much', async () => {
    const packed = await codec.compress(Buffer.alloc(2 * mebibyte))
    expect(await decompressBounded(codec, packed, 2 * mebibyte)).toHaveLength(2 * mebibyte)
    await expect(decompressBounded(codec, packed, 2 * mebibyte - 1)).rejects.toMatchObject({
      code: 'E_KAFKA_COMPRESSION',
      retriable: false,
    })
  })

  it('T43 hostile bytes end in a coded error or in bytes within the bound', async () => {
    const packed = await codec.compress(Buffer.from('abcabcabcabcabcabc-'.repeat(40)))
    const change = fc.array(fc.tuple(fc.nat(packed.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
          change,
        ),
        async (input) => {
          const bytes = Buffer.isBuffer(input) ? input : Buffer.from(packed)
          if (!Buffer.isBuffer(input)) for (const [at, byte] of input) bytes[at] = byte
          const outcome = await decompressBounded(codec, bytes, 4096).catch((error: unknown) => (error as { code: unknown }).code)
          expect(Buffer.isBuffer(outcome) ? outcome.length <= 4096 : outcome === 'E_KAFKA_COMPRESSION').toBe(true)
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe('what other clients write', () => {
  const text = Buffer.from('Millrace carries events to functions. '.repeat(500))

  it('snappy without framing, as librdkafka does', async () => {
    expect(await snappyCodec.decompress(snappy.compress(text), mebibyte)).toEqual(text)
  })

  it('lz4 with matches that overlap and refer to earlier blocks', async () => {
    await fc.assert(
      fc.asyncProperty(content, async (bytes) => {
        expect((await lz4Codec.decompress(Buffer.from(lz4js.compress(bytes)), mebibyte)).equals(bytes)).toBe(true)
      }),
      { numRuns: 50 },
    )
    expect(await lz4Codec.decompress(Buffer.from(lz4js.compress(text)), mebibyte)).toEqual(text)
  })

  it('gzip in several members', async () => {
    expect((await gzipCodec.decompress(Buffer.concat([gzipSync('a'), gzipSync('b')]), 10)).toString()).toBe('ab')
  })

  it('T43 a zstd bomb of a few KiB costs no memory', async () => {
    const bomb = zstdCompressSync(Buffer.alloc(64 * mebibyte))
    expect(bomb.length).toBeLessThan(16_384)
    await expect(decompressBounded(zstdCodec, bomb, mebibyte)).rejects.toMatchObject({ code: 'E_KAFKA_COMPRESSION' })
  })
})
