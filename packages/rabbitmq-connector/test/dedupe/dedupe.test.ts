import { memoryState, noMetrics } from '@millrace/sdk'
import type { Logger, SourceMetrics, StateStore } from '@millrace/sdk'
import { manualClock } from '@millrace/sdk/testing'
import { describe, expect, test } from 'vitest'
import { dedupe } from '../../src/dedupe/dedupe.ts'
import type { DedupeOptions } from '../../src/dedupe/dedupe.ts'

const HOUR = 3_600_000

/** A store in memory whose calls can be made to fail or to hang. */
const faultyStore = (store: StateStore) => {
  const fault: { get?: 'fail' | 'hang'; put?: 'fail' | 'hang' } = {}
  const calls = { get: 0, put: 0 }
  const through = async <T>(name: 'get' | 'put', call: () => Promise<T>): Promise<T> => {
    calls[name]++
    if (fault[name] === 'hang') return new Promise(() => {})
    if (fault[name] === 'fail') throw new Error('the store is away')
    return call()
  }
  const faulty: StateStore = {
    delete: (...args) => store.delete(...args),
    keys: (prefix) => store.keys(prefix),
    lease: (...args) => store.lease(...args),
    close: () => store.close(),
    get: (key) => through('get', () => store.get(key)),
    put: (...args) => through('put', () => store.put(...args)),
  }
  return { faulty, fault, calls }
}

const setUp = (options: Partial<DedupeOptions> = {}) => {
  const clock = manualClock()
  const store = memoryState({ clock })
  const lines: string[] = []
  const missed = new Map<string, number>()
  const say =
    (level: string) =>
    (message: string): void =>
      void lines.push(`${level} ${message}`)
  const logger: Logger = {
    trace: say('trace'),
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    child: () => logger,
  }
  const metrics: SourceMetrics = {
    ...noMetrics,
    counter: (name, { call = '' } = {}) => ({ inc: () => void missed.set(`${name} ${call}`, (missed.get(`${name} ${call}`) ?? 0) + 1) }),
  }
  const { faulty, fault, calls } = faultyStore(store)
  const make = (more: Partial<DedupeOptions> = {}) => dedupe({ state: faulty, clock, logger, metrics, ttlMs: HOUR, ...options, ...more })
  return { clock, store, lines, missed, fault, calls, make }
}

describe('dedupe', () => {
  test('what was marked is seen, by others too and after a restart; nothing else is', async () => {
    const { make, calls } = setUp()
    const first = make()
    expect(await first.seen('rabbitmq:%2F/orders/1')).toBe(false)
    await first.mark('rabbitmq:%2F/orders/1')
    expect(first.seen('rabbitmq:%2F/orders/1')).toBe(true)
    expect(calls.get).toBe(1)
    const second = make()
    expect(await second.seen('rabbitmq:%2F/orders/1')).toBe(true)
    expect(second.seen('rabbitmq:%2F/orders/1')).toBe(true)
    expect(await second.seen('rabbitmq:%2F/orders/1#pay')).toBe(false)
    expect(await second.seen('rabbitmq:%2F/orders/10')).toBe(false)
  })

  test('an id of any length and any characters has a key of its own', async () => {
    const { make, store } = setUp()
    const one = make()
    const ids = ['x'.repeat(2000), `${'x'.repeat(2000)}y`, '__proto__', '\0', '', 'ä☃😀']
    for (const id of ids) await one.mark(id)
    expect(await store.keys('rabbitmq/dedupe/')).toHaveLength(ids.length)
    for (const id of ids) expect(await make().seen(id)).toBe(true)
  })

  test('a mark goes after its time, which counts from the first success: in the store, here, and where it was only read', async () => {
    const { make, clock } = setUp()
    const [writer, reader] = [make(), make()]
    await writer.mark('id')
    await clock.advanceAsync(HOUR / 2)
    expect(await reader.seen('id')).toBe(true)
    await clock.advanceAsync(HOUR / 2 + 1)
    expect(await writer.seen('id')).toBe(false)
    expect(await reader.seen('id')).toBe(false)
  })

  test('without a cache the store is asked each time', async () => {
    const { make, calls } = setUp({ remembered: 0 })
    const one = make()
    await one.mark('id')
    expect(await one.seen('id')).toBe(true)
    expect(await one.seen('id')).toBe(true)
    expect(calls.get).toBe(2)
  })

  test('a store that fails: everything is new, what this process finished is known all the same, and one line says so', async () => {
    const { make, clock, fault, lines, missed, calls } = setUp()
    const one = make()
    fault.get = 'fail'
    fault.put = 'fail'
    for (let n = 0; n < 50; n++) expect(await one.seen(`id-${n}`)).toBe(false)
    for (let n = 0; n < 50; n++) await one.mark(`id-${n}`)
    expect(one.seen('id-7')).toBe(true)
    // Asked once each, not fifty times.
    expect(calls).toEqual({ get: 1, put: 1 })
    expect(lines).toEqual([expect.stringContaining('warn dedupe: not looking'), expect.stringContaining('warn dedupe: not writing')])
    expect([...missed]).toEqual([
      ['millrace_rabbitmq_dedupe_missed_total seen', 50],
      ['millrace_rabbitmq_dedupe_missed_total mark', 50],
    ])
    for (let n = 0; n < 5; n++) {
      await clock.advanceAsync(1000)
      expect(await one.seen('other')).toBe(false)
      expect(await one.seen('another')).toBe(false)
    }
    expect(calls.get).toBe(6)
    expect(lines).toHaveLength(2)
    delete fault.get
    await clock.advanceAsync(1000)
    expect(await one.seen('other')).toBe(false)
    expect(lines[2]).toContain('info dedupe: looking for marks again')
    expect(await one.seen('fresh')).toBe(false)
    expect(calls.get).toBe(8)
  })

  test('a store that hangs: nobody waits longer than 500 ms, and only one in a second waits at all', async () => {
    const { make, clock, fault, lines } = setUp()
    const one = make()
    fault.get = 'hang'
    fault.put = 'hang'
    const answers: unknown[] = []
    const ask = (id: string): void => void Promise.resolve(one.seen(id)).then((seen) => answers.push(seen))
    for (let n = 0; n < 10; n++) ask(`id-${n}`)
    await clock.advanceAsync(499)
    expect(answers).toEqual([])
    await clock.advanceAsync(1)
    expect(answers).toEqual(Array.from({ length: 10 }, () => false))
    ask('next')
    await clock.advanceAsync(0)
    expect(answers).toHaveLength(11)
    let marked = false
    void one.mark('id').then(() => (marked = true))
    await clock.advanceAsync(500)
    expect(marked).toBe(true)
    await clock.advanceAsync(600)
    ask('probe')
    ask('beside')
    await clock.advanceAsync(0)
    expect(answers).toHaveLength(12)
    await clock.advanceAsync(500)
    expect(answers).toHaveLength(13)
    expect(lines.filter((line) => line.startsWith('warn'))).toHaveLength(2)
  })
})
