import { describe, expect, it } from 'vitest'
import { cronFunction, header, noon, rig } from './harness.ts'

describe('a slot as an event', () => {
  it('carries ids, headers, payload and exactly its function', async () => {
    const report = cronFunction('report', {
      'schedule.nightly': '30 21 * * *',
      timezone: 'Asia/Tokyo',
      payload: '{"full":true}',
      'content-type': 'application/json',
      headers: 'X-Tenant: acme\nX-Mode: full',
    })
    const { emitted, pass } = await rig({ functions: [report] })
    await pass(1801)
    expect(emitted).toHaveLength(1)
    const [delivery] = emitted
    expect(delivery?.targets).toEqual([{ function: 'report.openfaas-fn', attempts: 0 }])
    expect(delivery?.event).toMatchObject({
      source: '/cron',
      type: 'com.openfaas.cron.tick',
      topic: 'cron-function',
      time: noon + 1_800_000,
      contentType: 'application/json',
    })
    expect(delivery?.event.id).toBe(`${delivery?.intake}:${noon / 1000 + 1800}`)
    expect(new TextDecoder().decode(delivery?.event.data)).toBe('{"full":true}')
    expect(delivery?.event.attributes).toEqual([
      ['X-Call-Id', delivery?.event.id],

      ['X-Cron-Scheduled-Time', '2026-11-25T21:30:00+09:00'],
      ['X-Cron-Fire-Time', '2026-11-25T21:30:00+09:00'],
      ['X-Cron-Missed-Count', '0'],
      ['X-Cron-Trigger', 'schedule'],
      ['X-Cron-Schedule', '30 21 * * *'],
      ['X-Cron-Name', 'nightly'],
      ['X-Cron-Timezone', 'Asia/Tokyo'],
      ['X-Tenant', 'acme'],
      ['X-Mode', 'full'],
    ])
  })

  it('takes the topic that the function declares, anywhere in its list', async () => {
    const { emitted, pass } = await rig({
      functions: [
        cronFunction('pro', { schedule: '* * * * *' }, ['orders', 'com.openfaas.cron']),
        cronFunction('other', { schedule: '* * * * *' }, ['orders']),
      ],
    })
    await pass(60)
    expect(emitted.map(({ event, targets }) => [event.topic, targets?.[0]?.function])).toEqual([['com.openfaas.cron', 'pro.openfaas-fn']])
  })

  it('fires every schedule of a list, and named ones beside it', async () => {
    const { emitted, pass } = await rig({
      functions: [cronFunction('many', { schedule: '1 * * * *; CRON_TZ=Asia/Kolkata 32 17 * * *', 'schedule.third': '@every 90s' })],
    })
    await pass(180)
    expect(emitted.map((delivery) => header(delivery, 'X-Cron-Schedule'))).toEqual(['1 * * * *', '@every 90s', '32 17 * * *', '@every 90s'])
    expect(new Set(emitted.map(({ intake }) => intake)).size).toBe(3)
  })
})

describe('C4 functions come and go', () => {
  it('a new function fires from its first slot on, not for earlier ones', async () => {
    const { emitted, pass, list, times } = await rig()
    await pass(30)
    await list(cronFunction('late', { schedule: '*/10 * * * * *' }))
    expect(emitted).toHaveLength(0)
    await pass(20)
    expect(times()).toEqual(['12:00:40', '12:00:50'])
  })

  it('C2 a removed function is not called again and leaves nothing behind; re-created it does not catch up', async () => {
    const job = cronFunction('job', { schedule: '* * * * *' })
    const { state, pass, list, times } = await rig({ functions: [job] })
    await pass(60)
    expect(await state.keys('cron:')).toHaveLength(1)
    await list()
    expect(await state.keys('cron:')).toHaveLength(0)
    await pass(120)
    await list(job)
    await pass(60)
    expect(times()).toEqual(['12:01:00', '12:04:00'])
  })

  it('an edited schedule is a new one; other annotations are settings of the same', async () => {
    const { emitted, state, pass, list } = await rig({ functions: [cronFunction('job', { schedule: '* * * * *' })] })
    await pass(60)
    await list(cronFunction('job', { schedule: '* * * * *', payload: 'new' }))
    await pass(60)
    await list(cronFunction('job', { schedule: '*/2 * * * *' }))
    await pass(120)
    expect(emitted.map(({ event }) => event.data.length)).toEqual([0, 3, 0])
    expect(emitted[1]?.intake).toBe(emitted[0]?.intake)
    expect(emitted[2]?.intake).not.toBe(emitted[0]?.intake)
    expect(await state.keys('cron:')).toEqual([`cron:${emitted[2]?.intake}`])
  })
})

describe('C3 wrong annotations', () => {
  it('are reported with the function and take nobody down', async () => {
    const running = await rig({
      functions: [
        cronFunction('impossible', { schedule: '0 0 30 2 *' }),
        cronFunction('crash', { schedule: 'TZ=UTC' }),
        cronFunction('nowhere', { schedule: '* * * * *', timezone: 'Mars/Phobos' }),
        cronFunction('policy', {
          schedule: '* * * * *',
          overlap: 'replace',
          'max-runs': '0',
          'start-at': 'tomorrow',
          jitter: '5',
          headers: 'Authorization: Basic eA==',
        }),
        cronFunction('none', {}),
        cronFunction('named', { 'schedule.-': '* * * * *' }),
        cronFunction('half', { schedule: '@reboot; * * * * *' }),
        cronFunction('good', { schedule: '* * * * *' }),
      ],
    })
    await running.pass(60)
    expect(running.emitted.map(({ targets }) => targets?.[0]?.function)).toEqual(['half.openfaas-fn', 'good.openfaas-fn'])
    const found = running.problems.map(({ function: name, annotation }) => `${name} ${annotation.replace('com.openfaas.connector.', '')}`)
    expect(found.toSorted()).toEqual(
      [
        'impossible.openfaas-fn schedule',
        'crash.openfaas-fn schedule',
        'nowhere.openfaas-fn timezone',
        'policy.openfaas-fn overlap',
        'policy.openfaas-fn max-runs',
        'policy.openfaas-fn start-at',
        'policy.openfaas-fn jitter',
        'policy.openfaas-fn headers',
        'none.openfaas-fn schedule',
        'named.openfaas-fn schedule.-',
        'half.openfaas-fn schedule',
      ].toSorted(),
    )
    await running.list(cronFunction('good', { schedule: '* * * * *' }))
    expect(running.problems).toEqual([])
  })
})

describe('limits of a schedule', () => {
  it('suspend, start-at, end-at and max-runs', async () => {
    const every = { schedule: '*/10 * * * * *' }
    const { emitted, pass } = await rig({
      functions: [
        cronFunction('suspended', { ...every, suspend: 'true' }),
        cronFunction('window', { ...every, 'start-at': '2026-11-25T12:00:20Z', 'end-at': '2026-11-25T13:00:40+01:00' }),
        cronFunction('twice', { ...every, 'max-runs': '2' }),
      ],
    })
    await pass(90)
    const of = (name: string): string[] =>
      emitted
        .filter(({ targets }) => targets?.[0]?.function.startsWith(name))
        .map(({ event }) => new Date(event.time ?? 0).toISOString().slice(17, 19))
    expect(of('suspended')).toEqual([])
    expect(of('window')).toEqual(['20', '30', '40'])
    expect(of('twice')).toEqual(['10', '20'])
  })

  it('slots of a suspended schedule are not caught up', async () => {
    const job = cronFunction('job', { schedule: '* * * * *', 'catch-up': 'all' })
    const paused = cronFunction('job', { schedule: '* * * * *', 'catch-up': 'all', suspend: '1' })
    const { pass, list, times } = await rig({ functions: [job] })
    await pass(60)
    await list(paused)
    await pass(180)
    await list(job)
    await pass(60)
    expect(times()).toEqual(['12:01:00', '12:05:00'])
  })

  it('jitter delays every slot of a schedule by the same part of it', async () => {
    const functions = Array.from({ length: 20 }, (_, index) => cronFunction(`f${index}`, { schedule: '* * * * *', jitter: '30s' }))
    const { emitted, pass, clock } = await rig({ functions })
    const delays = new Map<string, number[]>()
    for (let second = 0; second < 240; second += 1) {
      const before = emitted.length
      await pass(1)
      for (const { event, intake } of emitted.slice(before))
        delays.set(intake, [...(delays.get(intake) ?? []), Math.ceil((clock.now() - (event.time ?? 0)) / 1000)])
    }
    expect(delays.size).toBe(20)
    for (const of of delays.values()) expect(new Set(of).size).toBe(1)
    const all = [...delays.values()].map(([first = 0]) => first)
    expect(Math.min(...all)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...all)).toBeLessThanOrEqual(30)
    expect(new Set(all).size).toBeGreaterThan(5)
  })
})
