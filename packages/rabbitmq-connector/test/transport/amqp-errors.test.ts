import { MillraceError } from '@millrace/sdk'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { replyCodeOf, translateChannel, translateConnect, translateLoss } from '../../src/transport/amqp-errors.ts'

const place = { brokers: 'a:5672, b:5672', vhost: '/', user: 'me' }
const coded = (message: string, code: string | number): Error => Object.assign(new Error(message), { code })

describe('errors of amqplib', () => {
  it('always come to a code, whatever is thrown', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true }), (thrown) => {
        for (const translate of [translateConnect, translateLoss, translateChannel]) {
          const error = translate(thrown, place)
          expect(error.code).toMatch(/^E_RABBITMQ_/)
          // What was thrown may have braces of its own.
          const ours = `${error.message} ${error.effect} ${error.fix}`.replaceAll(String(error.context['reason']), '')
          expect(ours).not.toMatch(/\{\w+\}/)
        }
      }),
    )
  })

  it('keep a code that they have', () => {
    const own = new MillraceError('E_RABBITMQ_DENIED', { ...place, reason: 'r' })
    for (const translate of [translateConnect, translateLoss, translateChannel]) expect(translate(own, place)).toBe(own)
  })

  it('of the handshake', () => {
    const rows: readonly (readonly [Error, string])[] = [
      [new Error('Handshake terminated by server: 403 (ACCESS-REFUSED) with message "..."'), 'E_RABBITMQ_AUTHENTICATION'],
      [new Error('SASL mechanism EXTERNAL is not provided by the server'), 'E_RABBITMQ_AUTHENTICATION'],
      [new Error('Expected ConnectionOpenOk; got <ConnectionClose channel:0>'), 'E_RABBITMQ_VHOST'],
      [new Error('connect ETIMEDOUT'), 'E_RABBITMQ_UNREACHABLE'],
      [coded('connection refused', 'ECONNREFUSED'), 'E_RABBITMQ_UNREACHABLE'],
      [coded('no', 'SELF_SIGNED_CERT_IN_CHAIN'), 'E_RABBITMQ_TLS'],
      [coded('no', 'ERR_TLS_CERT_ALTNAME_INVALID'), 'E_RABBITMQ_TLS'],
      [coded('forced', 320), 'E_RABBITMQ_CONNECTION'],
    ]
    for (const [error, code] of rows) expect([error.message, translateConnect(error, place).code]).toEqual([error.message, code])
    const both = new AggregateError([new Error('connect ECONNREFUSED ::1'), new Error('connect ECONNREFUSED 127.0.0.1')], '')
    expect(translateConnect(both, place).message).toMatch(/::1; connect ECONNREFUSED 127\.0\.0\.1/)
  })

  it('of a channel', () => {
    const rows: readonly (readonly [number, string, string])[] = [
      [404, "no queue 'q' in vhost '/'", 'E_RABBITMQ_QUEUE_MISSING'],
      [404, "no exchange 'e' in vhost '/'", 'E_RABBITMQ_EXCHANGE_MISSING'],
      [403, "access to queue 'q' in vhost '/' refused for user 'me'", 'E_RABBITMQ_DENIED'],
      [403, "queue 'q' in vhost '/' in exclusive use", 'E_RABBITMQ_LOCKED'],
      [405, 'cannot obtain exclusive access', 'E_RABBITMQ_LOCKED'],
      [406, "inequivalent arg 'x-queue-type'", 'E_RABBITMQ_PRECONDITION'],
      [406, 'delivery acknowledgement on channel 1 timed out. Timeout value used: 500 ms.', 'E_RABBITMQ_ACK_TIMEOUT'],
      [541, 'INTERNAL_ERROR', 'E_RABBITMQ_CONNECTION'],
      [504, 'CHANNEL_ERROR', 'E_RABBITMQ_CHANNEL'],
    ]
    for (const [code, text, expected] of rows) {
      const error = translateChannel(coded(text, code), place)
      expect([text, error.code, replyCodeOf(error)]).toEqual([text, expected, code])
    }
  })
})
