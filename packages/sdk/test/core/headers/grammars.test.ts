import { expect, test } from 'vitest'
import { isContentType } from '../../../src/core/headers/content-type.ts'
import { isBaggage, isTraceparent, isTracestate } from '../../../src/core/headers/trace-context.ts'

const trace = '0af7651916cd43dd8448eb211c80319c'
const span = 'b7ad6b7169203331'

test.each([
  [`00-${trace}-${span}-01`, true],
  [`cc-${trace}-${span}-01`, true],
  [`cc-${trace}-${span}-01-what-comes-later`, true],
  [`00-${trace}-${span}-01-extra`, false],
  [`ff-${trace}-${span}-01`, false],
  [`00-${'0'.repeat(32)}-${span}-01`, false],
  [`00-${trace}-${'0'.repeat(16)}-01`, false],
  [`00-${trace.toUpperCase()}-${span}-01`, false],
  [`00-${trace}-${span}-0`, false],
  ['', false],
])('traceparent %s: %s', (value, valid) => expect(isTraceparent(value)).toBe(valid))

test.each([
  ['rojo=00f067aa0ba902b7,congo=t61rcWkgMzE', true],
  ['tenant@system=v', true],
  ['a=1,,b=2', true],
  ['A=1', false],
  ['a=', false],
  ['a=1=2', false],
  ['a', false],
  [Array.from({ length: 33 }, (_, index) => `k${index}=1`).join(','), false],
  [`a=${'x'.repeat(3000)}`, false],
])('tracestate %s: %s', (value, valid) => expect(isTracestate(value)).toBe(valid))

test.each([
  ['userId=alice,serverNode=DF%2028;isProduction=false;flag', true],
  ['a', false],
  ['a=b c', false],
  ['=b', false],
  [Array.from({ length: 65 }, (_, index) => `k${index}=1`).join(','), false],
  [`a=${'x'.repeat(8192)}`, false],
])('baggage %s: %s', (value, valid) => expect(isBaggage(value)).toBe(valid))

test.each([
  ['application/json', true],
  ['application/cloudevents+json; charset=UTF-8', true],
  ['multipart/form-data; boundary="a b\\"c"', true],
  ['text/plain;', true],
  ['text', false],
  ['text/plain\r\nX: 1', false],
  ['text/plain; x', false],
  ['text/plän', false],
  [`a/${'b'.repeat(300)}`, false],
])('content type %s: %s', (value, valid) => expect(isContentType(value)).toBe(valid))

test('no grammar backtracks over a long hostile value', () => {
  const hostile = `${'a/a'}${' ;'.repeat(120)}\u0001`
  const begin = process.cpuUsage().user
  isContentType(hostile)
  isContentType(`a/a;${'\t '.repeat(120)}=`)
  isTracestate(`${'a*/'.repeat(600)}`)
  isBaggage(`${'a=;'.repeat(2000)}"`)
  expect(process.cpuUsage().user - begin).toBeLessThan(200_000)
})
