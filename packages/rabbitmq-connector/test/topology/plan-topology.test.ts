import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { byteLength } from '../../src/topology/names.ts'
import { argumentsOf, fn, intakeOf, keysOf, plan, problemsOf } from './kit.ts'

const bound = (keys: string, more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => ({
  exchange: 'events',
  'exchange-type': 'topic',
  'routing-keys': keys,
  ...more,
})

describe('mode binding: a queue of one function', () => {
  const planned = plan([fn('pay.prod', bound('orders.*,orders.eu.>'))])
  const intake = intakeOf(planned, 'faas.prod.pay')

  it('is a durable quorum queue with delivery limit, dead letters at least once, and its keys', () => {
    expect(intake).toMatchObject({ mode: 'binding', function: 'pay.prod', topic: 'routing-key', prefetch: 20, ordered: false })
    expect(intake.declare.queue).toMatchObject({ how: 'declare', durable: true, autoDelete: false, exclusive: false })
    expect(argumentsOf(planned, 'faas.prod.pay')).toEqual({
      'x-queue-type': 'quorum',
      'x-dead-letter-exchange': '',
      'x-dead-letter-routing-key': 'faas.prod.pay.dlq',
      'x-delivery-limit': 10,
      'x-dead-letter-strategy': 'at-least-once',
      'x-overflow': 'reject-publish',
    })
    expect(keysOf(planned, 'faas.prod.pay')).toEqual(['orders.*', 'orders.eu.*.#'])
    expect(intake.declare.exchanges).toEqual([
      { exchange: 'events', type: 'topic', passive: false, durable: true, autoDelete: false, arguments: new Map() },
    ])
    expect(planned.problems).toEqual([])
  })

  it('has delay queues whose names say their delay, and that give back at least once', () => {
    expect(intake.tiers.map(({ queue }) => queue)).toEqual(['5s', '30s', '5m', '30m'].map((delay) => `faas.prod.pay.retry.${delay}`))
    const [letters, tier] = intake.declare.besides
    expect(letters?.queue).toBe('faas.prod.pay.dlq')
    expect([...(letters?.arguments ?? [])]).toEqual([
      ['x-queue-type', 'quorum'],
      ['x-overflow', 'reject-publish'],
    ])
    expect(Object.fromEntries(tier?.arguments ?? [])).toEqual({
      'x-queue-type': 'quorum',
      'x-message-ttl': 5000,
      'x-dead-letter-exchange': '',
      'x-dead-letter-routing-key': 'faas.prod.pay',
      'x-dead-letter-strategy': 'at-least-once',
      'x-overflow': 'reject-publish',
    })
  })

  it('is bound by an exchange of any type in its own way', () => {
    const keys = (type: string, more: Readonly<Record<string, string>>): unknown =>
      intakeOf(plan([fn('f.a', { exchange: 'x', 'exchange-type': type, ...more })]), 'faas.a.f').declare.bindings
    expect(keys('fanout', {})).toEqual([{ exchange: 'x', routingKey: '' }])
    expect(keys('direct', { 'routing-keys': 'b,a' })).toEqual([
      { exchange: 'x', routingKey: 'a' },
      { exchange: 'x', routingKey: 'b' },
    ])
    const match = new Map([
      ['x-match', 'all'],
      ['region', 'eu'],
    ])
    expect(keys('headers', { 'match-headers': 'region=eu' })).toEqual([{ exchange: 'x', routingKey: '', arguments: match }])
  })

  it('names an exchange that is only checked where nobody says its type, or the broker has it', () => {
    const exchangeOf = (exchange: string): unknown =>
      intakeOf(plan([fn('f.a', { exchange, 'routing-keys': 'k' })]), 'faas.a.f').declare.exchanges[0]
    expect(exchangeOf('theirs')).toMatchObject({ passive: true })
    expect(exchangeOf('amq.direct')).toMatchObject({ passive: true, type: 'direct' })
  })

  it('takes the exchange of the configuration where the function names keys alone', () => {
    const planned = plan([fn('f.a', { 'routing-keys': 'k' })], { exchange: { name: 'events', type: 'topic' } })
    expect(intakeOf(planned, 'faas.a.f').declare.bindings).toEqual([{ exchange: 'events', routingKey: 'k' }])
  })

  it('keeps what was bound when an annotation of its function is faulty, and says what is allowed', () => {
    const planned = plan([fn('f.a', bound('k', { prefetch: 'many' })), fn('g.a', bound('k'))])
    expect(intakeOf(planned, 'faas.a.f').declare.keepBindings).toBe(true)
    expect(intakeOf(planned, 'faas.a.g').declare.keepBindings).toBeUndefined()
    expect(problemsOf(planned, 'f.a')).toEqual(['prefetch: `many` is not a whole number from 1 to 65535'])
  })

  it('is kept, and its function told, when keys or the exchange are missing', () => {
    const planned = plan([fn('f.a', { 'routing-keys': 'k' }), fn('g.a', { exchange: 'x' })])
    expect(intakeOf(planned, 'faas.a.f').declare).toMatchObject({ bindings: [], keepBindings: true })
    expect(problemsOf(planned, 'f.a')).toEqual([expect.stringMatching(/^exchange: it is missing/)])
    expect(problemsOf(planned, 'g.a')).toEqual([expect.stringMatching(/^routing-keys: it is missing/)])
  })

  it('is of one function alone: another that names it is told, and gets none', () => {
    const planned = plan([fn('a.x', { queue: 'jobs' }), fn('b.x', { queue: 'jobs' }), fn('c.x', { queue: 'faas.x.a' })])
    expect(intakeOf(planned, 'jobs').function).toBe('a.x')
    expect(problemsOf(planned, 'b.x')).toEqual([expect.stringContaining('another function or the configuration has this queue')])
    expect(problemsOf(planned, 'c.x')).toEqual([expect.stringContaining('`auto` is used, which gives `faas.x.c`')])
  })

  it('of another name is only checked, unless it is bound or has a type', () => {
    expect(intakeOf(plan([fn('f.a', { queue: 'jobs' })]), 'jobs').declare.queue).toBeUndefined()
    expect(intakeOf(plan([fn('f.a', { queue: 'jobs', 'queue-type': 'classic' })]), 'jobs').declare.queue).toMatchObject({
      how: 'when-missing',
    })
    expect(intakeOf(plan([fn('f.a', bound('k', { queue: 'jobs' }))]), 'jobs').declare.queue).toMatchObject({ how: 'when-missing' })
  })
})

describe('mode queue: a topic is the name of a queue', () => {
  it('is somebody else’s: checked, with delay and dead-letter queues of ours', () => {
    const planned = plan([fn('a.x', {}, ['orders', 'cron-function']), fn('b.x', {}, ['orders'])])
    expect([...planned.intakes.keys()]).toEqual(['orders'])
    const intake = intakeOf(planned, 'orders')
    expect(intake).toMatchObject({ mode: 'queue', topic: 'queue', deadLetterQueue: 'orders.dlq' })
    expect(intake.function).toBeUndefined()
    expect(intake.declare.queue).toBeUndefined()
    expect(intake.declare.besides.map(({ how }) => how)).toEqual(Array.from({ length: 5 }, () => 'declare'))
  })

  it('is declared when it is missing, if so configured', () => {
    const planned = plan([fn('a.x', {}, ['orders'])], { declareTopics: true })
    expect(intakeOf(planned, 'orders').declare.queue).toMatchObject({ how: 'when-missing', durable: true })
  })

  it('of the Pro form is declared where it is missing, with its flags, and is classic where a quorum queue cannot be', () => {
    const flags = { durable: true, autoDelete: false, exclusive: false }
    const queues = [
      { name: 'orders', ...flags },
      { name: 'tmp', ...flags, durable: false },
      { name: 'mine', ...flags, exclusive: true },
    ]
    const planned = plan([fn('a.x', {}, ['#', 'elsewhere'])], { queues })
    expect([...planned.intakes.keys()]).toEqual(['orders', 'tmp', 'mine'])
    expect(intakeOf(planned, 'orders').declare.queue).toMatchObject({ how: 'when-missing' })
    expect(['orders', 'tmp', 'mine'].map((queue) => argumentsOf(planned, queue)['x-queue-type'])).toEqual(['quorum', 'classic', 'classic'])
    expect(argumentsOf(planned, 'tmp')).not.toHaveProperty('x-delivery-limit')
  })

  it('that the configuration names and nobody wants is declared and not consumed', () => {
    const queues = [{ name: 'orders', durable: true, autoDelete: false, exclusive: false }]
    const planned = plan([fn('a.x', {}, ['other'])], { queues, topics: ['plain'] })
    expect(planned.intakes.size).toBe(0)
    expect([...planned.unwanted.keys()]).toEqual(['orders'])
  })

  it('cannot be a pattern without a list of queues, nor a queue of ours', () => {
    const planned = plan([fn('a.x', {}, ['orders.#', 'faas.prod.pay'])])
    expect(planned.intakes.size).toBe(0)
    expect(problemsOf(planned, 'a.x')).toEqual([
      expect.stringContaining('cannot be listed'),
      expect.stringContaining('each for one function'),
    ])
  })

  it('T45 is never a delay queue, nor its own dead letters; those of others it may be', () => {
    const planned = plan([fn('a.x', {}, ['orders', 'orders.retry.5s', 'orders.dlq'])])
    expect([...planned.intakes.keys()]).toEqual(['orders', 'orders.dlq'])
    expect(problemsOf(planned, 'a.x')).toEqual([expect.stringContaining('delay queue')])
    expect([...plan([fn('a.x', {}, ['dead', 'b'])], { deadLetterQueue: 'dead' }).intakes.keys()]).toEqual(['b'])
  })

  it('is bounded in number', () => {
    const planned = plan([fn('a.x', {}, ['1', '2', '3'])], { maxQueues: 2 })
    expect([...planned.intakes.keys()]).toEqual(['1', '2'])
    expect(problemsOf(planned, 'a.x')).toHaveLength(1)
  })
})

describe('mode exchange: one queue, and functions match', () => {
  const options = { mode: 'exchange', exchange: { name: 'events', type: 'topic' } } as const

  it('is bound with the keys of all functions, as the broker writes them', () => {
    const planned = plan([fn('a.x', {}, ['o.*', 'p.>']), fn('b.x', {}, ['o.*', 'q'])], options)
    expect(intakeOf(planned, 'faas.exchange:events')).toMatchObject({ mode: 'exchange', topic: 'routing-key' })
    expect(keysOf(planned, 'faas.exchange:events')).toEqual(['o.*', 'p.*.#', 'q'])
  })

  it('leaves out what a direct exchange cannot do, and tells the function', () => {
    const planned = plan([fn('a.x', {}, ['o.*', 'q'])], { ...options, exchange: { name: 'events', type: 'direct' } })
    expect(keysOf(planned, 'faas.exchange:events')).toEqual(['q'])
    expect(problemsOf(planned, 'a.x')).toEqual([expect.stringContaining('no wildcards')])
  })

  it('is nothing at all without functions', () => {
    const planned = plan([], options)
    expect([planned.intakes.size, planned.unwanted.size]).toEqual([0, 0])
  })
})

describe('Templum’s queues', () => {
  const templum = [
    { name: 'Ex', topics: ['orders.created', 'pay.*'], declare: true, type: 'topic', durable: false, autoDeleted: false },
  ] as const

  it('are consumed as they are where a function could want a key of theirs', () => {
    const planned = plan([fn('a.x', {}, ['pay.eu'])], { templum, mode: 'none' })
    expect([...planned.intakes.keys()]).toEqual(['OpenFaaS_Ex_pay.*'])
    expect(intakeOf(planned, 'OpenFaaS_Ex_pay.*')).toMatchObject({ mode: 'exchange', topic: 'routing-key' })
    expect(intakeOf(planned, 'OpenFaaS_Ex_pay.*').declare).toMatchObject({
      queue: { how: 'when-missing', durable: false },
      exchanges: [{ exchange: 'Ex', passive: false, durable: false }],
      bindings: [{ exchange: 'Ex', routingKey: 'pay.*' }],
    })
    expect([...planned.unwanted.keys()]).toEqual(['OpenFaaS_Ex_orders.created'])
  })

  it('take their topics out of what names queues', () => {
    const planned = plan([fn('a.x', {}, ['pay.eu', 'jobs', 'log.#'])], { templum })
    expect([...planned.intakes.keys()].toSorted()).toEqual(['OpenFaaS_Ex_pay.*', 'jobs'])
    expect(planned.problems).toEqual([])
  })
})

describe('order, prefetch and streams', () => {
  it('an ordered queue has one active consumer and no delay queues', () => {
    const planned = plan([fn('f.a', bound('k', { order: 'key' })), fn('g.a', bound('k', { 'single-active-consumer': 'true' }))])
    for (const queue of ['faas.a.f', 'faas.a.g']) {
      expect(intakeOf(planned, queue)).toMatchObject({ ordered: true, tiers: [] })
      expect(argumentsOf(planned, queue)['x-single-active-consumer']).toBe(true)
    }
    expect(
      intakeOf(plan([fn('f.a', bound('k', { 'single-active-consumer': 'false' }))], { singleActiveConsumer: true }), 'faas.a.f').ordered,
    ).toBe(false)
  })

  it('prefetch is twice what may run at once, or what is said, and never 0', () => {
    const prefetchOf = (annotations: Readonly<Record<string, string>>, options = {}): number =>
      intakeOf(plan([fn('f.a', bound('k', annotations))], options), 'faas.a.f').prefetch
    expect(prefetchOf({})).toBe(20)
    expect(prefetchOf({ concurrency: '50' })).toBe(100)
    expect(prefetchOf({ 'batch-size': '500' })).toBe(1000)
    expect(prefetchOf({ prefetch: '1' })).toBe(1)
    expect(prefetchOf({}, { prefetch: 7 })).toBe(7)
    expect(prefetchOf({ concurrency: '999999' })).toBe(65_535)
    expect(prefetchOf({ prefetch: '0' })).toBe(20)
    expect(prefetchOf({ 'batch-size': '500' }, { prefetch: 7 })).toBe(500)
    expect(prefetchOf({ 'batch-size': '500', prefetch: '7' })).toBe(7)
  })

  it('of a shared queue the first function by name decides, and the others are told', () => {
    const planned = plan([fn('b.x', { prefetch: '9' }, ['q']), fn('a.x', { prefetch: '5' }, ['q']), fn('c.x', { prefetch: '5' }, ['q'])])
    expect(intakeOf(planned, 'q').prefetch).toBe(5)
    expect(planned.problems.map((problem) => problem.function)).toEqual(['b.x'])
  })

  it('a stream begins where it is said, and has dead letters but no delay queues and no way on', () => {
    const planned = plan([
      fn('f.a', bound('k', { 'queue-type': 'stream', 'stream-offset': 'last' })),
      fn('g.a', { 'stream-offset': '12' }, ['log']),
    ])
    expect(intakeOf(planned, 'faas.a.f')).toMatchObject({
      mode: 'stream',
      stream: 'last',
      function: 'f.a',
      tiers: [],
      topic: 'routing-key',
    })
    expect(argumentsOf(planned, 'faas.a.f')).toEqual({ 'x-queue-type': 'stream' })
    expect(intakeOf(planned, 'log')).toMatchObject({ mode: 'stream', stream: { offset: 12 }, topic: 'queue', deadLetterQueue: 'log.dlq' })
    expect(intakeOf(plan([fn('f.a', bound('k', { 'queue-type': 'stream' }))]), 'faas.a.f').stream).toBe('first')
  })
})

describe('what brokers of other versions, and users without rights, get', () => {
  it('below 3.10 there are no delay queues, for quorum queues know no time to live there', () => {
    expect(intakeOf(plan([fn('f.a', bound('k'))], { serverVersion: '3.9.13' }), 'faas.a.f').tiers).toEqual([])
  })

  it('from 4.0 on dead letters have no limit of returns, which they have by default there', () => {
    const letters = (serverVersion: string): unknown =>
      intakeOf(plan([fn('f.a', bound('k'))], { serverVersion }), 'faas.a.f').declare.besides[0]?.arguments.get('x-delivery-limit')
    expect([letters('3.13.7'), letters('4.0.5'), letters('4.1.0-rc.1'), letters('?')]).toEqual([undefined, -1, -1, undefined])
  })

  it('a queue without dead letters never drops a message over a limit', () => {
    const limit = (serverVersion: string): unknown =>
      argumentsOf(plan([fn('f.a', bound('k'))], { serverVersion, deadLetterQueue: undefined }), 'faas.a.f')
    expect(limit('3.10.8')).toEqual({ 'x-queue-type': 'quorum', 'x-overflow': 'reject-publish' })
    expect(limit('4.0.5')).toEqual({ 'x-queue-type': 'quorum', 'x-delivery-limit': -1, 'x-overflow': 'reject-publish' })
  })

  it('delayed retry of 4.3 is asked for there only, behind its flag, for queues of one function', () => {
    const native = (serverVersion: string, nativeRetry: boolean): unknown =>
      intakeOf(plan([fn('f.a', bound('k'))], { serverVersion, nativeRetry }), 'faas.a.f').nativeRetry
    expect([native('4.3.0', true), native('4.2.1', true), native('4.3.0', false)]).toEqual([true, undefined, undefined])
    // It begins above the shortest wait of a delay queue, which is what comes to it at least.
    const asked = argumentsOf(plan([fn('f.a', bound('k'))], { serverVersion: '4.3.0', nativeRetry: true }), 'faas.a.f')
    expect(asked).toMatchObject({ 'x-delayed-retry-type': 'failed', 'x-delayed-retry-min': 30_000, 'x-delayed-retry-max': 1_800_000 })
    expect(intakeOf(plan([fn('a.x', {}, ['q'])], { serverVersion: '4.3.0', nativeRetry: true }), 'q').nativeRetry).toBeUndefined()
  })

  it('delayed retry of 4.3 is not counted on where somebody else may have made the queue', () => {
    const options = { serverVersion: '4.3.0', nativeRetry: true }
    const named = fn('f.a', { ...bound('k'), queue: 'theirs' })
    expect(intakeOf(plan([named], options), 'theirs').nativeRetry).toBeUndefined()
    expect(intakeOf(plan([fn('f.a', bound('k'))], { ...options, declare: false }), 'faas.a.f').nativeRetry).toBeUndefined()
  })

  it('without declaring everything is checked and nothing bound', () => {
    const planned = plan([fn('f.a', bound('k'))], { declare: false })
    const { queue, besides, exchanges, bindings } = intakeOf(planned, 'faas.a.f').declare
    expect([queue, ...besides].map((each) => each?.how)).toEqual(Array.from({ length: 6 }, () => 'check'))
    expect(exchanges.map(({ passive }) => passive)).toEqual([true])
    expect(bindings).toEqual([])
  })
})

describe('any plan', () => {
  const text = fc.oneof(
    fc.constantFrom(
      'a',
      'orders',
      'orders.*',
      'a.>',
      '#',
      'faas.x.f',
      'auto',
      'topic',
      'stream',
      'quorum',
      'first',
      '5',
      'true',
      'amq.topic',
      'orders.dlq',
    ),
    fc.string({ unit: 'binary', maxLength: 12 }),
  )
  const names = fc.constantFrom(
    'exchange',
    'exchange-type',
    'routing-keys',
    'queue',
    'queue-type',
    'prefetch',
    'stream-offset',
    'order',
    'concurrency',
  )
  const functions = fc.uniqueArray(
    fc.record({
      key: fc.constantFrom('f.x', 'g.x', 'h.y', 'i.y', 'j'),
      annotations: fc.dictionary(names, text, { maxKeys: 5 }),
      topics: fc.array(text, { maxLength: 4 }),
    }),
    { selector: ({ key }) => key, maxLength: 5 },
  )
  const options = fc.record({
    mode: fc.constantFrom('queue', 'exchange', 'none'),
    exchange: fc.constant({ name: 'events', type: 'topic' } as const),
    declareTopics: fc.boolean(),
    declare: fc.boolean(),
    singleActiveConsumer: fc.boolean(),
    serverVersion: fc.constantFrom('3.9.0', '3.10.8', '4.0.5', '4.3.1', ''),
    nativeRetry: fc.boolean(),
    queues: fc.constantFrom([], [{ name: 'orders', durable: true, autoDelete: false, exclusive: false }]),
  })

  it('is the same in whatever order functions are listed, and keeps the rules of a queue', () => {
    fc.assert(
      fc.property(functions, options, fc.infiniteStream(fc.nat()), (specs, configured, dice) => {
        const declared = specs.map(({ key, annotations, topics }) => fn(key, annotations, topics))
        const planned = plan(declared, configured)
        const shuffled = declared.map((each) => [dice.next().value, each] as const).toSorted(([left], [right]) => left - right)
        expect(
          plan(
            shuffled.map(([, each]) => each),
            configured,
          ),
        ).toEqual(planned)
        const works = new Set(planned.intakes.keys())
        for (const [queue, intake] of planned.intakes) {
          expect(intake.queue).toBe(queue)
          expect(planned.unwanted.has(queue)).toBe(false)
          expect(intake.prefetch).toBeGreaterThanOrEqual(1)
          expect(intake.tiers.some((tier) => works.has(tier.queue))).toBe(false)
          expect(intake.deadLetterQueue).not.toBe(queue)
          expect(intake.tiers.map(({ delayMs }) => delayMs)).toEqual(intake.tiers.map(({ delayMs }) => delayMs).toSorted((a, b) => a - b))
          for (const { routingKey } of intake.declare.bindings) expect(byteLength(routingKey)).toBeLessThanOrEqual(255)
          if (queue.startsWith('faas.') && intake.mode === 'binding')
            expect(queue).toBe(`faas.${intake.function?.split('.')[1] ?? 'openfaas-fn'}.${intake.function?.split('.')[0] ?? ''}`)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('changes for no other function when one is added, removed or renamed', () => {
    const others = [fn('g.x', bound('g')), fn('h.y', bound('h.#'))]
    const before = plan([...others, fn('f.x', bound('f'))])
    const renamed = plan([...others, fn('f2.x', bound('f'))])
    const removed = plan(others)
    for (const queue of ['faas.x.g', 'faas.y.h']) {
      expect(intakeOf(renamed, queue)).toEqual(intakeOf(before, queue))
      expect(intakeOf(removed, queue)).toEqual(intakeOf(before, queue))
    }
    expect([...removed.intakes.keys()]).toEqual(['faas.x.g', 'faas.y.h'])
  })
})
