import { describe, expect, test } from 'vitest'
import { importsOf } from './import-graph.ts'
import { violationsOf, type Violation } from './rules.ts'

const rulesBroken = (files: Record<string, string>): readonly Violation['rule'][] =>
  violationsOf(Object.entries(files).map(([path, text]) => ({ path, text }))).map((violation) => violation.rule)

describe('imports are found', () => {
  const forms: readonly (readonly [string, string])[] = [
    ['a named import', "import { a } from 'x'"],
    ['a type import', "import type { A } from 'x'"],
    ['several lines', "import {\n  a,\n  type B,\n} from 'x'"],
    ['a default and a namespace', "import d, * as n from 'x'"],
    ['an import for effect', "import 'x'"],
    ['a re-export', "export * from 'x'"],
    ['a named re-export', "export { a } from 'x'"],
    ['a dynamic import', "const a = await import('x')"],
    ['double quotes', 'import { a } from "x"'],
    ['one after another', "import { b } from 'x'; export const c = b"],
  ]
  test.each(forms)('%s', (_name, text) => {
    expect(importsOf(text)).toEqual(['x'])
  })

  test.each([
    ['a line comment', "// import { a } from 'x'"],
    ['a block comment', "/**\n * import { a } from 'x'\n */"],
    ['a comment after a string with slashes', "const url = 'http://host' // import 'x'"],
    ['plain text', "export const from = 'x'"],
  ])('not in %s', (_name, text) => {
    expect(importsOf(text)).toEqual([])
  })
})

describe('a planted fault is found', () => {
  const core = 'packages/sdk/src/core/a.ts'
  const planted: readonly (readonly [string, Violation['rule'], string, string])[] = [
    ['core imports a port', 'layer', core, "import { b } from '../ports/b.ts'"],
    ['core imports a type of the runtime', 'layer', 'packages/sdk/src/core/x/a.ts', "import type { B } from '../../runtime/b.ts'"],
    ['the contract imports the core', 'layer', 'packages/sdk/src/contract/a.ts', "import type { B } from '../core/b.ts'"],
    ['a port imports the runtime', 'layer', 'packages/sdk/src/ports/a.ts', "export * from '../runtime/b.ts'"],
    ['the runtime imports the test kit', 'layer', 'packages/sdk/src/runtime/a.ts', "const b = await import('../testing/b.ts')"],
    ['a layer imports the public index', 'layer', 'packages/sdk/src/runtime/a.ts', "import { b } from '../index.ts'"],
    ['a package imports itself by name', 'layer', 'packages/sdk/src/runtime/a.ts', "import { b } from '@millrace/sdk'"],
    ['a file inside another package', 'internals', 'packages/cli/src/a.ts', "import { b } from '@millrace/sdk/dist/core/b.js'"],
    ['a path into another package', 'internals', 'packages/cli/src/a.ts', "import { b } from '../../sdk/src/core/b.ts'"],
    ['undici outside the ports', 'library', 'packages/sdk/src/runtime/a.ts', "import { request } from 'undici'"],
    ['undici in the cron connector', 'library', 'packages/cron-connector/src/a.ts', "import { request } from 'undici'"],
    ['zod in a port', 'library', 'packages/sdk/src/ports/a.ts', "import { z } from 'zod'"],
    ['a library that is in no table', 'library', 'packages/cli/src/a.ts', "import _ from 'lodash'"],
    ['a library in the core', 'pure', core, "import { parse } from 'yaml'"],
    ['the file system in the core', 'pure', core, "import { readFileSync } from 'node:fs'"],
    ['the clock in the core', 'pure', core, 'export const a = (): number => Date.now()'],
    ['the date in the core', 'pure', core, 'export const a = (): Date => new Date()'],
    ['a timer in the core', 'pure', core, 'export const a = (): unknown => setTimeout(b, 5)'],
    ['chance in the core', 'pure', core, 'export const a = (): number => Math.random()'],
    ['a random id in the core', 'pure', core, "import { randomUUID } from 'node:crypto'\nexport const a = randomUUID()"],
    ['code in the contract', 'contract', 'packages/sdk/src/contract/a.ts', 'export const a: number = 1'],
    ['the environment outside the configuration', 'environment', 'packages/http-source/src/a.ts', 'export const a = process.env.A'],
    ['a file of 401 lines', 'length', 'packages/cli/src/a.ts', 'x()\n'.repeat(401)],
  ]
  test.each(planted)('%s', (_name, rule, path, text) => {
    expect(rulesBroken({ [path]: text })).toEqual([rule])
  })

  test('a second importer of a library', () => {
    const text = "import { request } from 'undici'"
    expect(rulesBroken({ 'packages/sdk/src/ports/a.ts': text, 'packages/sdk/src/ports/b.ts': text })).toEqual(['library'])
  })

  test('a cycle, once, with the way round', () => {
    const files = {
      'packages/cli/src/a.ts': "import { b } from './b.ts'",
      'packages/cli/src/b.ts': "import { c } from './c.ts'",
      'packages/cli/src/c.ts': "export * from './a.ts'",
      'packages/cli/src/d.ts': "import { a } from './a.ts'",
    }
    const found = violationsOf(Object.entries(files).map(([path, text]) => ({ path, text })))
    expect(found).toEqual([
      {
        path: 'packages/cli/src/a.ts',
        rule: 'cycle',
        detail: 'packages/cli/src/a.ts -> packages/cli/src/b.ts -> packages/cli/src/c.ts -> packages/cli/src/a.ts',
      },
    ])
  })
})

describe('what is allowed is not reported', () => {
  test('types that name each other', () => {
    const files = { 'packages/cli/src/a.ts': "import type { B } from './b.ts'", 'packages/cli/src/b.ts': "import { a } from './a.ts'" }
    expect(rulesBroken(files)).toEqual([])
  })

  test.each([
    ['the core imports the contract', 'packages/sdk/src/core/a.ts', "import type { B } from '../contract/b.ts'"],
    ['the public index imports every layer', 'packages/sdk/src/index.ts', "export { b } from './runtime/b.ts'"],
    ['the test kit imports the core', 'packages/sdk/src/testing/a.ts', "import { b } from '../core/x/b.ts'"],
    ['a connector imports the SDK', 'packages/cron-connector/src/a.ts', "import { b } from '@millrace/sdk'"],
    ['the gateway imports the test kit', 'packages/dev-gateway/src/a.ts', "import { b } from '@millrace/sdk/testing/gateway'"],
    ['pure modules in the core', 'packages/sdk/src/core/a.ts', "import { createHash } from 'node:crypto'"],
    ['a comment and a message that speak of a timer', 'packages/sdk/src/core/a.ts', "// setTimeout\nexport const a = 'setTimeout'"],
    ['a date from a number', 'packages/sdk/src/core/a.ts', 'export const a = (ms: number): Date => new Date(ms)'],
    ['a file of 400 lines', 'packages/cli/src/a.ts', 'x()\n'.repeat(400)],
    ['the environment in main.ts', 'packages/http-source/src/main.ts', 'run(process.env)'],
  ])('%s', (_name, path, text) => {
    expect(rulesBroken({ [path]: text })).toEqual([])
  })
})
