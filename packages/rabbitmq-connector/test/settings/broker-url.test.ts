import fc from 'fast-check'
import { expect, it } from 'vitest'
import { brokerUrl, hideCredentials } from '../../src/settings/broker-url.ts'

const { parse } = brokerUrl()

it('reads what the parts of a URL say, however they are encoded', () => {
  const word = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }).filter((text) => text.isWellFormed())
  fc.assert(
    fc.property(word, word, word, fc.boolean(), fc.integer({ min: 1, max: 65_535 }), (username, password, vhost, tls, port) => {
      const [user, secret, path] = [username, password, vhost].map(encodeURIComponent)
      const parsed = parse(`amqp${tls ? 's' : ''}://${user}:${secret}@host:${port}/${path}`)
      expect(parsed).toMatchObject({ ok: true, value: { host: 'host', port, tls, vhost, username } })
      expect(parsed.ok && parsed.value.password?.reveal()).toBe(password)
    }),
  )
})

it('hides the password of any text, and leaves a URL without one as it is', () => {
  const password = fc.string({ minLength: 1, maxLength: 30 })
  fc.assert(
    fc.property(fc.constantFrom('amqp://', 'amqps://', 'AMQP://', 'http://', ''), password, (scheme, secret) => {
      expect(hideCredentials(`${scheme}u:${secret}CANARY@host/shop`)).not.toContain('CANARY')
      expect(hideCredentials(`${scheme}host/shop?password=${secret}CANARY`)).not.toContain('CANARY')
    }),
  )
  for (const plain of ['amqp://host', 'amqps://user@host:5671/v', 'amqp://guest:guest@host', 'nonsense', ''])
    expect(hideCredentials(plain)).toBeUndefined()
  expect(hideCredentials('amqp://guest:other@host')).toBe('amqp://[hidden]@host')
})

it('never throws, and never quotes what it refuses', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.webUrl({ validSchemes: ['amqp', 'amqps'], withQueryParameters: true })), (text) => {
      const parsed = parse(text)
      if (!parsed.ok && text.length > 8) expect(parsed.reason).not.toContain(text)
    }),
  )
})

it.each([
  ['', 'it is empty'],
  ['rabbitmq:5672', 'the scheme is not allowed'],
  ['rabbitmq', 'it is not a URL'],
  ['amqp://', 'it has no host'],
  ['amqp://h/%zz', 'a % in it is no %XX'],
  ['amqp://:p@h', 'it has a password and no user'],
  ['amqp://h?heartbeat=3', 'settings of their own'],
])('refuses %j: %s', (text, reason) => {
  const parsed = parse(text)
  expect(parsed.ok ? '' : parsed.reason).toContain(reason)
})
