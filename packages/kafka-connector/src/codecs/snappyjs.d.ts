declare module 'snappyjs' {
  /** @throws Error when the bytes are not snappy, or would become longer than `maxLength` */
  export function uncompress(compressed: Buffer, maxLength?: number): Buffer
  export function compress(uncompressed: Buffer): Buffer
}
