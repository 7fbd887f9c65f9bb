import { expect, test } from 'vitest'
import { functionPaths } from '../../../src/ports/gateway/function-paths.ts'
import { parseGatewayUrl } from '../../../src/ports/gateway/gateway-url.ts'

test.each([
  ['http://gateway:8080', 'http://gateway:8080', ''],
  ['http://gateway:8080/', 'http://gateway:8080', ''],
  ['https://example.com/openfaas//', 'https://example.com', '/openfaas'],
  ['http://[::1]:8080/a/b', 'http://[::1]:8080', '/a/b'],
])('%s', (text, origin, prefix) => expect(parseGatewayUrl(text)).toEqual({ origin, prefix }))

test.each([
  '',
  'gateway:8080',
  'ftp://gateway',
  'file:///etc/passwd',
  'http://user:hunter2@gateway',
  'http://g/?a=1',
  'http://g/#x',
  'http://g/a;b',
])('openfaas S14 %j is refused, and no password is repeated', (text) => {
  expect(() => parseGatewayUrl(text)).toThrow(/^E_GATEWAY_URL /)
  expect(() => parseGatewayUrl(text)).not.toThrow(/hunter2/)
})

test('T34, T35 paths are made of names on the allow-list only', () => {
  const path = functionPaths(parseGatewayUrl('http://g/p'), 'function')
  expect(path('echo')).toBe('/p/function/echo')
  expect(path('Echo_2.openfaas-fn')).toBe('/p/function/Echo_2.openfaas-fn')
  for (const name of ['..', 'a..b', 'a.b.c', 'a/../b', '%2e', 'a b', 'ä', '-a', 'a.B_c']) expect(path(name)).toBeUndefined()
})
