import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The files that a row of the catalogue names, by its id. */
const readRows = (): Map<string, readonly string[]> => {
  const rows = new Map<string, readonly string[]>()
  for (const line of readFileSync(join(root, 'docs/test-catalogue.md'), 'utf8').split('\n')) {
    const id = /^\| ([TSKRCVN]\d{1,2}) \|/.exec(line)?.[1]
    if (id !== undefined)
      rows.set(
        id,
        [...line.matchAll(/`([^`]+\.ts)`/g)].map(([, file = '']) => file),
      )
  }
  return rows
}

/** The folders of tests alone: `packages` as a whole has every dependency in it. */
const testFiles = (): string[] =>
  ['test', ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}/test`)].flatMap((top) =>
    readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.test.ts') && !/(?:^|\/)node_modules\//.test(file))
      .map((file) => `${top}/${file}`),
  )

/** Numbers of scenarios in a file's strings, where test names and the names of `each` stand. */
const scenariosOf = (file: string): Set<string> => {
  const strings = readFileSync(join(root, file), 'utf8').match(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`[^`\n]*`/g) ?? []
  return new Set(strings.flatMap((text) => text.match(/(?<![\w%-])T\d{1,2}(?!\w)/g) ?? []))
}

const rows = readRows()
const range = (letter: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${letter}${index + 1}`)

test('the catalogue has a row for each scenario and each fault', () => {
  const ids = [
    ['T', 45],
    ['S', 15],
    ['K', 9],
    ['R', 8],
    ['C', 5],
    ['V', 7],
    ['N', 5],
  ] as const
  expect([...rows.keys()]).toEqual(ids.flatMap(([letter, count]) => range(letter, count)))
})

test('each scenario that a test names is in the catalogue', () => {
  const unknown = testFiles().flatMap((file) => [...scenariosOf(file)].filter((id) => !rows.has(id)).map((id) => `${id} in ${file}`))
  expect(unknown).toEqual([])
})

test('each file that the catalogue names is there, and names the scenario', () => {
  const wrong = [...rows].flatMap(([id, files]) =>
    files
      .filter((file) => !existsSync(join(root, file)) || (id.startsWith('T') && !scenariosOf(file).has(id)))
      .map((file) => `${id}: ${file}`),
  )
  expect(wrong).toEqual([])
})

test('a scenario without a test here names who brings it', () => {
  const text = readFileSync(join(root, 'docs/test-catalogue.md'), 'utf8')
  const bare = [...rows].filter(([, files]) => files.length === 0).map(([id]) => id)
  const silent = bare.filter((id) => !new RegExp(`^\\| ${id} \\|.*(?:Kafka|RabbitMQ|vSphere|Redis)`, 'm').test(text))
  expect(silent).toEqual([])
})
