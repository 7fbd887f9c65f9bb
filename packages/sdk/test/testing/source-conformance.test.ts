import { describe, expect, it } from 'vitest'
import { conformanceCases } from '../../src/testing/conformance/conformance-cases.ts'
import { memoryHarness } from './memory-harness.ts'
import { plantedFaults } from './planted-faults.ts'

const impatient = { timeoutMs: 200, quietMs: 15 }

describe('sourceConformance finds a source that', () => {
  it.each(plantedFaults)('$does', async ({ options = {}, found, says, ...fault }) => {
    const finder = conformanceCases({ ...memoryHarness(options, fault), ...impatient }).find(({ name }) => name === found)
    expect(finder, found).toMatchObject({ name: found })
    expect(finder).not.toHaveProperty('skip')
    await expect(finder?.run()).rejects.toThrow(says)
  })
})

describe('the suite', () => {
  it('has a planted fault for every case', () => {
    const names = conformanceCases(memoryHarness({})).map(({ name }) => name)
    expect(names.filter((name) => !plantedFaults.some(({ found }) => found === name))).toEqual([])
    expect(new Set(names).size).toBe(names.length)
  })

  it('skips what the harness has no means for, and says so', async () => {
    const created: string[] = []
    const cases = conformanceCases({
      name: 'bare',
      durable: false,
      create() {
        created.push('source')
        throw new Error('not to be created')
      },
      publish: () => {},
    })
    const reasons = new Map(cases.flatMap(({ name, skip }) => (skip === undefined ? [] : [[name, skip]])))
    expect(reasons.get('says why a session was lost')).toBe('the harness has no disconnect')
    expect(reasons.get('accepts an event only once it is stored')).toBe("only for replay: 'spool'")
    for (const one of cases) if (one.skip !== undefined) await one.run()
    expect(created).toEqual([])
  })

  it('tells of a failing tear-down, but of the first failure first', async () => {
    const harness = { ...memoryHarness({}), ...impatient, teardown: () => Promise.reject(new Error('tear-down')) }
    const [first] = conformanceCases(harness)
    await expect(first?.run()).rejects.toThrow('tear-down')
    const [failing] = conformanceCases({ ...harness, publish: () => Promise.reject(new Error('publish')) })
    await expect(failing?.run()).rejects.toThrow('publish')
  })
})
