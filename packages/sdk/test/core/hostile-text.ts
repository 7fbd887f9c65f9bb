import fc from 'fast-check'

const special = fc.constantFrom('\u200B', '\u202E', '\u2028', '\u0085', '\uD800', '\uFEFF', '\u3002', '\uFF0E', 'ä', '訂', '😀', '\u00A0')

/** Text with everything that makes trouble: control, invisible and turning characters, lone surrogates, look-alikes. */
export const hostileText = (maxLength = 100): fc.Arbitrary<string> =>
  fc.string({
    unit: fc.oneof(
      { weight: 4, arbitrary: fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 1 }) },
      { weight: 1, arbitrary: special },
    ),
    maxLength,
  })
