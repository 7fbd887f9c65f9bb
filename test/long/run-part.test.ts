import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { scratchFolder, type ScratchFolder } from '../processes/reaper.ts'
import type { LongPart, StepContext } from './part.ts'
import { parts } from './parts.ts'
import { openProgress, type ProgressFile } from './progress.ts'
import { runPart, type PartResult } from './run-part.ts'

let folder: ScratchFolder
let progress: ProgressFile
let said: string[]
let done: { readonly index: number; readonly chance: number }[]
let open: number

beforeEach(() => {
  folder = scratchFolder('long')
  progress = openProgress(join(folder.path, 'state/long.json'))
  said = []
  done = []
  open = 0
})
afterEach(() => folder.remove())

const partOf = (step: (context: StepContext) => void = () => undefined): LongPart => ({
  name: 'p',
  about: 'A part.',
  steps: 5,
  open: async () => {
    open++
    return {
      step: async (context) => {
        step(context)
        done.push({ index: context.index, chance: context.random() })
        return `note ${context.index}`
      },
      close: async () => void open--,
    }
  },
})

const run = (part: LongPart, more: { limit?: number; signal?: AbortSignal } = {}): Promise<PartResult> =>
  runPart(part, { progress, seed: 1, say: (line) => void said.push(line), signal: more.signal ?? new AbortController().signal, ...more })

test('does every step once, over several calls and processes', async () => {
  expect(await run(partOf(), { limit: 2 })).toBe('paused')
  progress = openProgress(progress.path)
  expect(await run(partOf())).toBe('done')
  expect(done.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4])
  expect(open).toBe(0)
  expect(new Set(done.map(({ chance }) => chance)).size).toBe(5)
  expect(await run(partOf())).toBe('done')
  expect(done).toHaveLength(5)
  expect(said.at(-1)).toMatch(/done before, 5 steps/)
})

test('a failed step is remembered, and is the first of the next call, with the same chances', async () => {
  let chance = -1
  const fails = partOf(({ index, random }) => {
    if (index !== 3) return
    chance = random()
    throw new Error('lost: 1')
  })
  expect(await run(fails)).toBe('failed')
  expect(open).toBe(0)
  expect(progress.get('p')).toMatchObject({ seed: 1, done: 3, failure: 'lost: 1', notes: ['note 0', 'note 1', 'note 2'] })
  expect(said.at(-1)).toBe('p: step 3 failed (seed 1): lost: 1')
  expect(await run(partOf())).toBe('done')
  expect(done[3]).toEqual({ index: 3, chance })
  expect(progress.get('p')).not.toHaveProperty('failure')
})

test('a signal ends it between two steps, and what was done is kept', async () => {
  const stop = new AbortController()
  const part = partOf(({ index }) => {
    if (index === 1) stop.abort()
  })
  expect(await run(part, { signal: stop.signal })).toBe('paused')
  expect(progress.get('p')?.done).toBe(2)
})

test('forgotten, it begins anew', async () => {
  await run(partOf())
  progress.forget('p')
  expect(openProgress(progress.path).get('p')).toBeUndefined()
  expect(await run(partOf())).toBe('done')
  expect(done).toHaveLength(10)
  expect(existsSync(`${progress.path}.new`)).toBe(false)
})

test('the parts have names of their own that a command line can hold', () => {
  const names = parts.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9-]+$/)
})
