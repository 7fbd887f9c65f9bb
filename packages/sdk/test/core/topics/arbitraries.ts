import fc from 'fast-check'

const segment = fc.constantFrom('a', 'b', 'c', '')

/** Topics over a small alphabet, so that patterns often match. */
export const topicArbitrary: fc.Arbitrary<string> = fc.array(segment, { minLength: 1, maxLength: 7 }).map((parts) => parts.join('.'))

/** Legal patterns over the same alphabet, never empty. */
export const patternArbitrary: fc.Arbitrary<string> = fc
  .tuple(fc.array(fc.constantFrom('a', 'b', 'c', '*', '#'), { maxLength: 6 }), fc.constantFrom('a', '*', '#', '>'))
  .map(([parts, last]) => [...parts, last].join('.'))
