import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { boolean, choice, duration, integer, list, pem, size, text, url } from '../../../src/runtime/config/schema.ts'
import type { RawValue, SettingType } from '../../../src/runtime/config/schema.ts'

/** Any UTF-16 unit, lone surrogates and control characters included. fast-check's own `binary` needs seconds to begin. */
const anyUnit = fc.oneof(fc.nat(0xff), fc.nat(0xffff)).map((unit) => String.fromCharCode(unit))

const good: readonly (readonly [string, SettingType<unknown>, RawValue, unknown])[] = [
  ['duration', duration('0s', '24h'), '2m30s', 150_000],
  ['duration', duration('0s', '24h'), ' 1.5h ', 5_400_000],
  ['duration', duration('0s', '24h'), '300ms', 300],
  ['boolean', boolean(), '1', true],
  ['boolean', boolean(), 'true', true],
  ['boolean', boolean(), '0', false],
  ['boolean', boolean(), 'false', false],
  ['integer', integer(1, 10), '10', 10],
  ['size', size('0B', '1GiB'), '64MiB', 67_108_864],
  ['size', size('0B', '1GiB'), '1 kB', 1000],
  ['size', size('0B', '1GiB'), '4096', 4096],
  ['size', size('0B', '1GiB'), '1.5KiB', 1536],
  ['list', list({ allowed: '' }), 'a, b ,,a', ['a', 'b']],
  ['list', list({ allowed: '' }), ['x', ' y '], ['x', 'y']],
  ['list', list({ allowed: '' }), '', []],
  ['url', url(['http', 'https']), 'http://gateway:8080/', 'http://gateway:8080'],
  ['url', url(['http', 'https']), 'https://host/prefix/', 'https://host/prefix'],
  ['choice', choice(['a', 'b']), 'b', 'b'],
  ['text', text(), ' x y ', 'x y'],
]

test.each(good)('%s %#: %j %j gives %j', (_kind, type, raw, expected) => {
  expect(type.parse(raw)).toEqual({ ok: true, value: expected })
})

const bad: readonly (readonly [string, SettingType<unknown>, RawValue, RegExp])[] = [
  ['a bare number as a duration', duration('0s', '24h'), '30', /unit is missing/],
  ['a duration beyond the range', duration('1s', '1h'), '2h', /out of range/],
  ['words for a boolean', boolean(), 'yes', /not a boolean/],
  ['upper case for a boolean', boolean(), 'TRUE', /not a boolean/],
  ['a fraction', integer(1, 10), '1.5', /whole number/],
  ['an exponent', integer(1, 10), '1e1', /whole number/],
  ['below the least', integer(1, 10), '0', /out of range/],
  ['an unknown unit', size('0B', '1GiB'), '1 parsec', /not a size/],
  ['a name that is no URL', url(['http']), 'gateway:8080', /scheme/],
  ['another scheme', url(['http']), 'file:///etc/passwd', /scheme/],
  ['userinfo', url(['http']), 'http://user:canary@gateway', /user name or password/],
  ['a query', url(['http']), 'http://gateway/?a=b', /query/],
  ['a line break', text(), 'a\nb', /control/],
  ['an ANSI escape', text(), 'a\u001B[31m', /control/],
  ['nothing', text(), '  ', /empty/],
  ['a list for one value', text(), ['a', 'b'], /not a list/],
  ['an item of the wrong form', list({ allowed: '', pattern: /^[a-z]+$/ }), 'a,B', /item 2/],
  ['no PEM', pem('CERTIFICATE'), 'hello', /no CERTIFICATE block/],
]

test.each(bad)('%s is refused', (_what, type, raw, reason) => {
  const parsed = type.parse(raw)
  expect(parsed.ok ? 'accepted' : parsed.reason).toMatch(reason)
})

describe('whatever is written', () => {
  const types = {
    duration: duration('0s', '24h'),
    boolean: boolean(),
    integer: integer(0, 9),
    size: size('0B', '1GiB'),
    list: list({ allowed: '' }),
    url: url(['http']),
    text: text(),
    pem: pem('PRIVATE KEY'),
  }
  test.each(Object.entries(types))('%s neither throws nor quotes it', (_name, type) => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: anyUnit }), fc.array(fc.string())), (raw) => {
        const parsed = type.parse(raw)
        const whole = typeof raw === 'string' ? raw : raw.join(',')
        // Ten characters of chance cannot stand in a fixed sentence.
        if (!parsed.ok && whole.length > 10) expect(parsed.reason).not.toContain(whole)
      }),
    )
  })
})
