import { manualClock } from '@millrace/sdk/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { uniqueName } from '../../../../test/servers/rabbitmq.ts'
import type { AmqpLink } from '../../src/transport/transport.ts'
import { createPublisher } from '../../src/transport/publisher.ts'
import { fn } from '../topology/kit.ts'
import { brokenState, emptyState, errorOf, onlyIntake, planOf, TopologyBench } from './topology-kit.ts'
import { messageTo } from './transport-kit.ts'

let bench: TopologyBench
let link: AmqpLink
beforeAll(async () => {
  bench = await TopologyBench.open()
  link = await bench.link()
}, 120_000)
afterAll(() => bench.close())
beforeEach(() => void bench.lines.splice(0))

const bound = (exchange: string, keys: string): Readonly<Record<string, string>> => ({
  exchange,
  'exchange-type': 'topic',
  'routing-keys': keys,
})

/** A function with a queue of its own, of a name that no other test has. */
const makeFunction = (keys: string, name: string = uniqueName('f')): ReturnType<typeof fn> => fn(`${name}.x`, bound('events', keys))

const renamed = (declared: ReturnType<typeof fn>, keys: string): ReturnType<typeof fn> => fn(declared.function, bound('events', keys))

describe('what a plan says is declared', () => {
  it('whole, again without a word, and as the broker shows it', async () => {
    const intake = onlyIntake(planOf([makeFunction('a.*,b.>')], { serverVersion: link.serverVersion }))
    const applier = bench.applier()
    const first = await applier.apply(link, intake)
    expect([first.state, first.drift, first.tiers]).toEqual([{ queue: intake.queue, messages: 0, consumers: 0 }, [], intake.tiers])
    await applier.apply(link, intake)
    expect(bench.lines).toEqual([])
    expect(await bench.bindings(intake.queue)).toEqual(['events/a.*', 'events/b.*.#'])
    const shown = (await bench.bench.broker.management('GET', `/api/queues/${bench.vhost}/${intake.queue}`)) as { arguments: unknown }
    expect(shown.arguments).toEqual(Object.fromEntries(intake.declare.queue?.arguments ?? []))
  })

  it('streams, classic and single active ones, headers exchanges and queues that nobody wants alike', async () => {
    const [stream, headers] = [uniqueName('s'), uniqueName('h')]
    const functions = [
      fn(`${stream}.x`, { ...bound('events', 'k'), 'queue-type': 'stream', 'stream-offset': 'last' }),
      fn(`${headers}.x`, { exchange: 'by-headers', 'exchange-type': 'headers', 'match-headers': 'region=eu', order: 'key' }),
    ]
    const tmp = uniqueName('tmp')
    const plan = planOf(functions, { mode: 'none', queues: [{ name: tmp, durable: false, autoDelete: false, exclusive: false }] })
    const applier = bench.applier()
    for (const intake of plan.intakes.values()) await applier.apply(link, intake)
    await applier.applyUnwanted(link, plan)
    expect(bench.lines).toEqual([])
    expect(await bench.bindings(`faas.x.${headers}`)).toEqual(['by-headers/'])
    const channel = await link.openChannel()
    expect(await channel.checkQueue(tmp)).toMatchObject({ messages: 0 })
    await channel.close()
  })
})

describe('a queue that is there with other arguments', () => {
  it('is used as it is, with one warning that names the argument', async () => {
    const intake = onlyIntake(planOf([makeFunction('k')]))
    await bench.bench.broker.declareQueue(intake.queue, { type: 'classic', vhost: bench.vhost })
    const applier = bench.applier()
    const { drift } = await applier.apply(link, intake)
    await applier.apply(link, intake)
    expect(drift.map(({ code }) => code)).toEqual(['E_RABBITMQ_DRIFT'])
    expect(bench.warnings).toEqual(['E_RABBITMQ_DRIFT'])
    expect(bench.lines[0]?.message).toMatch(/inequivalent arg 'x-/)
    expect(await bench.bindings(intake.queue)).toEqual(['events/k'])
  })

  it('is right as it is where somebody else may have made it', async () => {
    const queue = uniqueName('orders')
    await bench.bench.broker.declareQueue(queue, { type: 'classic', vhost: bench.vhost })
    const queues = [{ name: queue, durable: true, autoDelete: false, exclusive: false }]
    await bench.applier().apply(link, onlyIntake(planOf([fn('f.x', {}, [queue])], { queues })))
    expect(bench.lines).toEqual([])
  })
})

describe('without the right to declare', () => {
  it('what is missing is said with the command that makes it, and what is there is enough', async () => {
    const declared = makeFunction('k')
    const intake = onlyIntake(planOf([declared], { declare: false }))
    const applier = bench.applier()
    const exchange = uniqueName('none')
    const unknown = onlyIntake(planOf([fn(declared.function, bound(exchange, 'k'))], { declare: false }))
    expect(await errorOf(applier.apply(link, unknown))).toMatchObject({
      code: 'E_RABBITMQ_NOT_DECLARED',
      fix: expect.stringContaining(`rabbitmqadmin --vhost='${bench.vhost}' declare exchange name='${exchange}' type=topic durable=true`),
    })
    const missing = await errorOf(applier.apply(link, intake))
    expect(missing).toMatchObject({ code: 'E_RABBITMQ_NOT_DECLARED', effect: expect.stringContaining(intake.queue) })
    expect(missing.fix).toContain(
      `declare queue name='${intake.queue}.dlq' durable=true auto_delete=false arguments='{"x-queue-type":"quorum"`,
    )
    await bench.applier().apply(link, onlyIntake(planOf([declared])))
    expect(await applier.apply(link, intake)).toMatchObject({ drift: [], tiers: intake.tiers })
    expect(bench.warnings).toEqual([])
  })

  it('a delay queue may be missing: its retries wait in the process', async () => {
    const declared = makeFunction('k')
    await bench.applier().apply(link, onlyIntake(planOf([declared], { tiersMs: [5000] })))
    const { tiers } = await bench.applier().apply(link, onlyIntake(planOf([declared], { declare: false })))
    expect(tiers.map(({ delayMs }) => delayMs)).toEqual([5000])
    expect(bench.warnings).toEqual(Array.from({ length: 3 }, () => 'E_RABBITMQ_NOT_DECLARED'))
  })

  it('a user who may not configure consumes what is there, and is told what is not', async () => {
    const user = { username: uniqueName('reader'), password: 'reader-secret' }
    const { broker } = bench.bench
    await broker.addUser(user)
    bench.bench.atEnd(async () => void (await broker.management('DELETE', `/api/users/${user.username}`)))
    await broker.setPermissions(user.username, { configure: '^$', write: '.*', read: '.*' }, bench.vhost)
    const theirs = await bench.link(user)
    const intake = onlyIntake(planOf([makeFunction('k')]))
    expect(await errorOf(bench.applier().apply(theirs, intake))).toMatchObject({ code: 'E_RABBITMQ_NOT_DECLARED' })
    await bench.applier().apply(link, intake)
    expect(await bench.applier().apply(theirs, intake)).toMatchObject({ drift: [], tiers: intake.tiers })
    expect(bench.warnings).toEqual([])
  })
})

describe('a delay queue', () => {
  it('gives a message back to its queue after its delay, and keeps it while that queue is gone', async () => {
    const intake = onlyIntake(planOf([makeFunction('k')], { tiersMs: [1000] }))
    await bench.applier().apply(link, intake)
    const publisher = createPublisher(bench.bench.connection({ vhost: bench.vhost }, 'publish'))
    bench.bench.atEnd(() => publisher.close())
    const channel = await link.openChannel()
    const came = Promise.withResolvers<number>()
    await channel.prefetch(1)
    await channel.consume(intake.queue, { consumerTag: 'c' }, { onMessage: () => came.resolve(performance.now()), onCancelled: () => {} })
    const sent = performance.now()
    await publisher.publish(messageTo(`${intake.queue}.retry.1s`), { mandatory: true })
    expect((await came.promise) - sent).toBeGreaterThanOrEqual(990)
    await channel.deleteQueue(intake.queue, { ifEmpty: false, ifUnused: false })
    await publisher.publish(messageTo(`${intake.queue}.retry.1s`), { mandatory: true })
    await channel.close()
    const held = `{ok, Q} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"${bench.vhost}">>, queue, <<"${intake.queue}.retry.1s">>)), rabbit_amqqueue:info(Q, [messages_dlx])`
    await expect.poll(() => bench.bench.broker.evaluate(held), { timeout: 10_000 }).toMatch(/^\[\{messages_dlx, ?1\}\]$/)
  })
})

describe('bindings', () => {
  it('change under publishing without a message lost', async () => {
    const declared = makeFunction('orders.eu')
    const applier = bench.applier()
    const queueOf = async (keys: string): Promise<string> => {
      const intake = onlyIntake(planOf([renamed(declared, keys)]))
      await applier.apply(link, intake)
      return intake.queue
    }
    const queue = await queueOf('orders.eu')
    const publisher = createPublisher(bench.bench.connection({ vhost: bench.vhost }, 'publish'))
    bench.bench.atEnd(() => publisher.close())
    let changing = true
    let sent = 0
    const publish = async (): Promise<void> => {
      while (changing) {
        // Unroutable is a rejection: no message is ever without a way in.
        await publisher.publish({ ...messageTo('orders.eu'), exchange: 'events' }, { mandatory: true })
        sent += 1
      }
    }
    const publishing = Promise.all(Array.from({ length: 8 }, publish))
    for (const keys of ['orders.*', 'orders.#', 'orders.eu,x', '*.eu', 'orders.eu']) await queueOf(keys)
    changing = false
    await publishing
    expect(sent).toBeGreaterThan(50)
    expect(await bench.bindings(queue)).toEqual(['events/orders.eu'])
    expect(await bench.bench.broker.depth(queue, bench.vhost)).toMatchObject({ ready: sent })
  })

  it('of before are found after a restart, by the state store', async () => {
    const state = emptyState()
    const declared = makeFunction('old,both')
    const queue = onlyIntake(planOf([declared])).queue
    await bench.applier({ state }).apply(link, onlyIntake(planOf([declared])))
    await bench.applier({ state, owner: 'another' }).apply(link, onlyIntake(planOf([renamed(declared, 'theirs')])))
    await bench.applier({ state }).apply(link, onlyIntake(planOf([renamed(declared, 'new,both')])))
    expect(await bench.bindings(queue)).toEqual(['events/both', 'events/new', 'events/theirs'])
  })

  it('that another replica has made with a newer list of functions are left alone', async () => {
    const state = emptyState()
    const declared = makeFunction('old')
    const [ahead, behind] = [bench.applier({ state }), bench.applier({ state })]
    const [before, after] = [onlyIntake(planOf([declared])), onlyIntake(planOf([renamed(declared, 'new')]))]
    await ahead.apply(link, before)
    await behind.apply(link, before)
    await ahead.apply(link, after)
    await behind.apply(link, before)
    expect(await bench.bindings(before.queue)).toContain('events/new')
    await behind.apply(link, after)
    expect(await bench.bindings(before.queue)).toEqual(['events/new'])
  })

  it('stay when an annotation of their function is faulty', async () => {
    const declared = makeFunction('good')
    const applier = bench.applier()
    const intake = onlyIntake(planOf([declared]))
    await applier.apply(link, intake)
    await applier.apply(link, onlyIntake(planOf([fn(declared.function, { ...bound('events', 'other'), prefetch: 'x' })])))
    expect(await bench.bindings(intake.queue)).toEqual(['events/good', 'events/other'])
  })

  it('are made and changed also when the state store does not answer, and that is said once', async () => {
    const declared = makeFunction('old')
    const applier = bench.applier({ state: brokenState() })
    const queue = onlyIntake(planOf([declared])).queue
    await applier.apply(link, onlyIntake(planOf([declared])))
    await applier.apply(link, onlyIntake(planOf([renamed(declared, 'new')])))
    expect(await bench.bindings(queue)).toEqual(['events/new'])
    expect(new Set(bench.warnings)).toEqual(new Set(['E_RABBITMQ_BINDINGS']))
  })
})

describe('the queue of a function that is gone', () => {
  it('is unbound after a while, keeps its messages, and that is said', async () => {
    const clock = manualClock()
    const applier = bench.applier({ clock, retireAfterMs: 60_000 })
    const declared = makeFunction('k')
    const intake = onlyIntake(planOf([declared]))
    await applier.apply(link, intake)
    const publisher = createPublisher(bench.bench.connection({ vhost: bench.vhost }, 'publish'))
    bench.bench.atEnd(() => publisher.close())
    await publisher.publish(messageTo(intake.queue), { mandatory: true })
    expect(await applier.retire(link, () => planOf([declared]), true)).toBeUndefined()
    expect(await applier.retire(link, () => planOf([]), true)).toBe(60_000)
    clock.advance(59_000)
    expect(await applier.retire(link, () => planOf([]), true)).toBe(1000)
    expect(await bench.bindings(intake.queue)).toEqual(['events/k'])
    clock.advance(1000)
    expect(await applier.retire(link, () => planOf([]), true)).toBeUndefined()
    expect(await bench.bindings(intake.queue)).toEqual([])
    expect(bench.warnings).toEqual(['E_RABBITMQ_QUEUE_RETIRED'])
    expect(bench.lines[0]?.message).toContain('keeps 1 messages')
    // It comes back under its name: what was kept is still there.
    expect((await applier.apply(link, intake)).state.messages).toBe(1)
    expect(await bench.bindings(intake.queue)).toEqual(['events/k'])
  })

  it('is not retired for a faulty annotation, nor when the function is back in time', async () => {
    const clock = manualClock()
    const applier = bench.applier({ clock, retireAfterMs: 60_000 })
    const declared = makeFunction('k')
    const intake = onlyIntake(planOf([declared]))
    await applier.apply(link, intake)
    await applier.retire(link, () => planOf([]), true)
    clock.advance(59_000)
    await applier.retire(link, () => planOf([declared]), true)
    clock.advance(59_000)
    expect(await applier.retire(link, () => planOf([fn(declared.function, { queue: '\u0000' })]), true)).toBeUndefined()
    clock.advance(120_000)
    await applier.retire(link, () => planOf([fn(declared.function, { queue: '\u0000' })]), true)
    expect(await bench.bindings(intake.queue)).toEqual(['events/k'])
  })
})
