import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gateJoins } from '../../src/driver/join-gate.ts'
import { topicStateOf, translateCommitError, translateError } from '../../src/driver/kafka-errors.ts'
import type { Cluster } from '../../src/driver/kafkajs.ts'
import { muteNegativeTimeouts } from '../../src/driver/mute-timeouts.ts'
import { readHeaders } from '../../src/driver/read-record.ts'
import { decodeClaim } from '../../src/driver/sticky-assigner.ts'

const place = { brokers: 'b:1', user: 'alice', group: 'g' }
const made = (name: string, more: object = {}): Error => Object.assign(new Error('what it says'), { name, ...more })

describe('errors of kafkajs', () => {
  it.each([
    ['E_KAFKA_AUTHENTICATION', made('KafkaJSSASLAuthenticationError')],
    [
      'E_KAFKA_TOPIC_DENIED',
      made('KafkaJSNonRetriableError', { cause: made('KafkaJSProtocolError', { type: 'TOPIC_AUTHORIZATION_FAILED' }) }),
    ],
    ['E_KAFKA_GROUP_DENIED', made('KafkaJSGroupCoordinatorNotFound')],
    [
      'E_KAFKA_TLS',
      made('KafkaJSNumberOfRetriesExceeded', { cause: made('KafkaJSConnectionError', { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }) }),
    ],
    ['E_KAFKA_TLS', made('KafkaJSConnectionError', { code: 'CERT_HAS_EXPIRED' })],
    ['E_KAFKA_UNREACHABLE', made('KafkaJSNumberOfRetriesExceeded', { cause: made('KafkaJSConnectionError', { code: 'ECONNREFUSED' }) })],
    ['E_KAFKA_TOPIC_MISSING', made('KafkaJSProtocolError', { type: 'UNKNOWN_TOPIC_OR_PARTITION' })],
    ['E_KAFKA_RECORD', made('KafkaJSNonRetriableError', { cause: made('KafkaJSNotImplemented') })],
    ['E_KAFKA_TOPIC_DENIED', made('KafkaJSAggregateError', { errors: [made('X'), made('Y', { type: 'TOPIC_AUTHORIZATION_FAILED' })] })],
    ['E_KAFKA_REQUEST', made('SomethingElse')],
  ])('become %s', (code, error) => {
    expect(translateError(error, place).code).toBe(code)
  })

  it('become a coded error whatever is thrown', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true }), (thrown) => {
        expect(translateError(thrown, place).code).toMatch(/^E_KAFKA_/)
        expect(translateError(thrown, place).explain()).not.toMatch(/\{\w+\}.*fix/)
      }),
    )
  })

  it('of a cause that goes in circles come to an end', () => {
    const error = made('A') as Error & { cause?: unknown }
    error.cause = error
    expect(translateError(error, place).code).toBe('E_KAFKA_REQUEST')
  })

  it('tell a commit that a join fences from one that failed', () => {
    expect(translateCommitError(made('KafkaJSProtocolError', { type: 'ILLEGAL_GENERATION' }), place).code).toBe('E_KAFKA_COMMIT_FENCED')
    expect(translateCommitError(made('KafkaJSConnectionError', { code: 'ECONNRESET' }), place).code).toBe('E_KAFKA_COMMIT')
  })

  it('tell a bad topic from a bad broker', () => {
    expect(topicStateOf(made('P', { type: 'UNKNOWN_TOPIC_OR_PARTITION' }))).toBe('missing')
    expect(topicStateOf(made('P', { type: 'TOPIC_AUTHORIZATION_FAILED' }))).toBe('denied')
    expect(topicStateOf(made('KafkaJSConnectionError'))).toBeUndefined()
  })
})

describe('headers as kafkajs gives them', () => {
  it('T31: lose the inherited members that its plain object mixes in', () => {
    const given = { constructor: [Object, Buffer.from('x')], toString: [Object.prototype.toString, Buffer.from('y'), Buffer.from('z')] }
    expect(readHeaders(given as never)).toEqual([
      ['constructor', Buffer.from('x')],
      ['toString', Buffer.from('y')],
      ['toString', Buffer.from('z')],
    ])
  })

  it('keep repeated names, and have no bytes where there is no value', () => {
    expect(readHeaders({ a: [Buffer.from('1'), Buffer.from('2')], b: null as never })).toEqual([
      ['a', Buffer.from('1')],
      ['a', Buffer.from('2')],
      ['b', Buffer.alloc(0)],
    ])
  })
})

it('a join waits for its gate, and another method missing is said', async () => {
  const order: string[] = []
  const cluster = {
    findGroupCoordinator: async () => {
      order.push('join')
      return 'broker'
    },
  }
  const gated = gateJoins(cluster as unknown as Cluster, async () => {
    await Promise.resolve()
    order.push('gate')
  })
  expect([gated, await cluster.findGroupCoordinator(), order]).toEqual([true, 'broker', ['gate', 'join']])
  expect(gateJoins({} as Cluster, async () => {})).toBe(false)
})

it('a claim that somebody else wrote holds partitions or nothing', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 100 }),
        fc.json().map((text) => Buffer.from(text)),
      ),
      (bytes) => {
        const { owned, generation } = decodeClaim(bytes)
        expect(Number.isSafeInteger(generation)).toBe(true)
        for (const { topic, partition } of owned) expect([typeof topic, Number.isInteger(partition)]).toEqual(['string', true])
      },
    ),
  )
})

it('only the warning of kafkajs is left out', () => {
  const said: unknown[] = []
  const process = { emitWarning: ((...args: unknown[]) => void said.push(args)) as NodeJS.Process['emitWarning'] }
  muteNegativeTimeouts(process)
  process.emitWarning('-1 is a negative number', 'TimeoutNegativeWarning')
  process.emitWarning('something else', 'DeprecationWarning')
  expect(said).toEqual([['something else', 'DeprecationWarning']])
})
