import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { readSources } from './import-graph.ts'
import { violationsOf } from './rules.ts'

const sources = readSources(fileURLToPath(new URL('../..', import.meta.url)))

test('the sources are found', () => {
  expect(sources.length).toBeGreaterThan(20)
})

test('the packages keep the layers, the doors, the purity of the core and the length of files', () => {
  const broken = violationsOf(sources).map(({ path, rule, detail }) => `${rule}: ${path}: ${detail}`)
  expect(broken).toEqual([])
})
