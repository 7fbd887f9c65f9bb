/**
 * A 53-bit hash of a text as 14 hexadecimal digits (cyrb53, public domain). It names a revision, it protects nothing: what
 * hinges on equality is compared in full.
 */
export const revisionHash = (texts: Iterable<string>): string => {
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  const mix = (code: number): void => {
    high = Math.imul(high ^ code, 2_654_435_761)
    low = Math.imul(low ^ code, 1_597_334_677)
  }
  for (const text of texts) {
    for (let index = 0; index < text.length; index += 1) mix(text.charCodeAt(index))
    mix(0x1_0000)
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909)
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909)
  return (4_294_967_296 * (2_097_151 & low) + (high >>> 0)).toString(16).padStart(14, '0')
}
