import { describe, expect, test, vi } from 'vitest'
import type { FunctionsChange } from '../../src/contract/functions-view.ts'
import { MillraceError } from '../../src/core/errors.ts'
import { defaultPolicy } from '../../src/core/function-policy.ts'
import type { ListedFunction } from '../../src/core/topics/listed-function.ts'
import { TopicMap } from '../../src/core/topics/topic-map.ts'
import { silentLogger } from '../../src/ports/logging/pino-logger.ts'
import { Discovery } from '../../src/runtime/discovery.ts'
import type { DiscoveryOptions, DiscoveryState } from '../../src/runtime/discovery.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'

const listed = (name: string, topic: string): ListedFunction => ({ name, annotations: new Map([['topic', topic]]) })

/** A gateway that says what the test sets. */
class Gateway {
  namespaces: readonly string[] | Error = ['fn']
  lists = new Map<string | undefined, readonly ListedFunction[] | Error>([['fn', [listed('f', 't')]]])
  healthy = true
  readonly asked: string[] = []
  hold: Promise<void> | undefined

  async listNamespaces(): Promise<readonly string[]> {
    this.asked.push('namespaces')
    await this.hold
    if (this.namespaces instanceof Error) throw this.namespaces
    return this.namespaces
  }

  async listFunctions(namespace?: string): Promise<readonly ListedFunction[]> {
    this.asked.push(namespace ?? '(all)')
    const list = this.lists.get(namespace) ?? []
    if (list instanceof Error) throw list
    return list
  }

  async ready(): Promise<boolean> {
    this.asked.push('ready')
    return this.healthy
  }
}

const down = new MillraceError('E_GATEWAY_UNREACHABLE', { url: 'http://g/system/namespaces', what: 'refused' })

const setUp = (given: Partial<DiscoveryOptions> = {}) => {
  const gateway = new Gateway()
  const clock = manualClock()
  const states: DiscoveryState[] = []
  const maps: [TopicMap, FunctionsChange][] = []
  const options = { defaults: defaultPolicy }
  const discovery = new Discovery({
    client: gateway,
    clock,
    random: () => 0.5,
    intervalMs: 30_000,
    build: (functions, previous) => TopicMap.build(functions, options, previous),
    logger: silentLogger,
    onMap: (map, change) => void maps.push([map, change]),
    onState: (state) => void states.push(state),
    ...given,
  })
  const names = (): string[] => discovery.snapshot().map((declaration) => declaration.function)
  return {
    gateway,
    clock,
    discovery,
    states,
    maps,
    names,
    settle: () => clock.advanceAsync(0),
    next: () => clock.advanceAsync(clock.untilNext ?? 0),
  }
}

describe('the first map', () => {
  test('openfaas S9, C4 comes with the first good list, at once', async () => {
    const { discovery, settle, names, maps } = setUp()
    expect(discovery.map).toBeUndefined()
    discovery.start()
    await settle()
    expect(names()).toEqual(['f.fn'])
    expect(discovery.get('f.fn')?.topics).toEqual(['t'])
    expect(maps[0]?.[1].added.map((item) => item.function)).toEqual(['f.fn'])
    await discovery.stop()
  })

  test('openfaas S9 does not come while the gateway is down, and is tried again with back-off', async () => {
    const { discovery, gateway, clock, settle, next, states, names } = setUp()
    gateway.namespaces = down
    discovery.start()
    await settle()
    const waits: (number | undefined)[] = []
    for (let times = 0; times < 8; times += 1) {
      waits.push(clock.untilNext)
      await next()
    }
    expect(discovery.map).toBeUndefined()
    // Three quarters (random 0.5) of 1, 2, 4, ... up to 30 seconds.
    expect(waits).toEqual([750, 1500, 3000, 6000, 12_000, 22_500, 22_500, 22_500])
    expect(states.at(-1)).toMatchObject({ ok: false, error: down, consecutiveFailures: 9 })
    gateway.namespaces = ['fn']
    await next()
    expect(names()).toEqual(['f.fn'])
    expect(states.at(-1)).toMatchObject({ ok: true, consecutiveFailures: 0 })
    expect(clock.untilNext).toBe(30_000)
    await discovery.stop()
  })

  test('waits for every watched namespace, or the events of the missing ones would be lost as unmatched', async () => {
    const { discovery, gateway, settle, next, names } = setUp({ namespaces: { deny: ['other'] } })
    gateway.namespaces = ['fn', 'late', 'other']
    gateway.lists.set('late', down).set('other', down)
    discovery.start()
    await settle()
    expect(discovery.map).toBeUndefined()
    gateway.lists.set('late', [listed('g', 't')])
    await next()
    expect(names()).toEqual(['f.fn', 'g.late'])
    await discovery.stop()
  })
})

describe('a map in force', () => {
  test('openfaas S1, T20 survives every failure', async () => {
    const { discovery, gateway, settle, next, names, states } = setUp()
    discovery.start()
    await settle()
    for (const error of [down, new MillraceError('E_GATEWAY_AUTH', { url: 'u', status: 401, answer: 'x' }), new Error('anything')]) {
      gateway.namespaces = error
      await next()
      gateway.namespaces = ['fn']
      gateway.lists.set('fn', error)
      await next()
      await next()
      expect(names()).toEqual(['f.fn'])
      expect(states.at(-1)?.error).toBe(error)
    }
    await discovery.stop()
  })

  test('openfaas S15 keeps the part of a failing namespace and follows the others', async () => {
    const { discovery, gateway, settle, next, names, states } = setUp()
    gateway.namespaces = ['fn', 'b']
    gateway.lists.set('b', [listed('g', 't')])
    discovery.start()
    await settle()
    gateway.lists.set('b', down).set('fn', [listed('f', 't'), listed('new', 't')])
    for (let times = 0; times < 6; times += 1) await next()
    expect(names()).toEqual(['f.fn', 'g.b', 'new.fn'])
    expect(states.at(-1)).toMatchObject({ ok: false, consecutiveFailures: 6 })
    await discovery.stop()
  })

  test('P6, T20 an empty list needs five in a row and a healthy gateway', async () => {
    const { discovery, gateway, settle, next, names } = setUp()
    discovery.start()
    await settle()
    gateway.lists.set('fn', [])
    gateway.healthy = false
    for (let times = 0; times < 10; times += 1) await next()
    expect(names()).toEqual(['f.fn'])
    gateway.healthy = true
    for (let times = 0; times < 4; times += 1) await next()
    expect(names()).toEqual(['f.fn'])
    await next()
    expect(names()).toEqual([])
    await discovery.stop()
  })

  test('P6 a function goes with the second list that misses it', async () => {
    const { discovery, gateway, settle, next, names } = setUp()
    gateway.lists.set('fn', [listed('f', 't'), listed('g', 't')])
    discovery.start()
    await settle()
    gateway.lists.set('fn', [listed('f', 't')])
    await next()
    expect(names()).toEqual(['f.fn', 'g.fn'])
    await next()
    expect(names()).toEqual(['f.fn'])
    expect(gateway.asked).not.toContain('ready')
    await discovery.stop()
  })

  test('openfaas C2 without namespaces there is one query and bare names', async () => {
    const { discovery, gateway, settle, names } = setUp()
    gateway.namespaces = []
    gateway.lists.set(undefined, [{ ...listed('f', 't'), namespace: 'said' }])
    discovery.start()
    await settle()
    expect(gateway.asked).toEqual(['namespaces', '(all)'])
    expect(names()).toEqual(['f'])
    await discovery.stop()
  })

  test('namespaces with bad names are no reason to call bare names', async () => {
    const { discovery, gateway, settle, states } = setUp()
    gateway.namespaces = ['../x']
    discovery.start()
    await settle()
    expect(gateway.asked).toEqual(['namespaces'])
    expect(states.at(-1)?.ok).toBe(false)
    await discovery.stop()
  })
})

describe('refreshes', () => {
  test('openfaas K7 never overlap: those asked for meanwhile become one', async () => {
    const { discovery, gateway, settle } = setUp()
    let release: () => void = () => {}
    gateway.hold = new Promise((resolve) => (release = resolve))
    discovery.start()
    const more = [discovery.refresh(), discovery.refresh(), discovery.refresh()]
    await settle()
    expect(gateway.asked).toEqual(['namespaces'])
    release()
    await Promise.all(more)
    expect(gateway.asked).toEqual(['namespaces', 'fn', 'namespaces', 'fn'])
    await discovery.stop()
  })

  test('come with a jitter of a tenth', async () => {
    const randoms = [0, 0.9999]
    const { discovery, clock, settle, next } = setUp({ random: () => randoms.shift() ?? 0 })
    discovery.start()
    await settle()
    expect(clock.untilNext).toBe(27_000)
    await next()
    expect(clock.untilNext).toBeCloseTo(33_000, -1)
    await discovery.stop()
  })

  test('stop with everything, and what is under way is not used', async () => {
    const { discovery, gateway, clock, states } = setUp()
    let release: () => void = () => {}
    gateway.hold = new Promise((resolve) => (release = resolve))
    discovery.start()
    const stopped = discovery.stop()
    release()
    await stopped
    await discovery.refresh()
    expect(discovery.map).toBeUndefined()
    expect(states).toEqual([])
    expect(clock.pending).toBe(0)
  })
})

describe('listeners', () => {
  test('hear changes only, until they leave; one that throws harms nobody', async () => {
    const { discovery, gateway, settle, next } = setUp()
    const good = vi.fn<(change: FunctionsChange) => void>()
    discovery.subscribe(() => {
      throw new Error('mine')
    })
    const leave = discovery.subscribe(good)
    discovery.start()
    await settle()
    await next()
    expect(good).toHaveBeenCalledTimes(1)
    gateway.lists.set('fn', [listed('f', 'other')])
    await next()
    expect(good.mock.calls[1]?.[0].changed.map(({ after }) => after.topics)).toEqual([['other']])
    leave()
    gateway.lists.set('fn', [listed('f', 'third')])
    await next()
    expect(good).toHaveBeenCalledTimes(2)
    await discovery.stop()
  })
})
