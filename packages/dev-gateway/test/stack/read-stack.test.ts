import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { goDuration } from '../../src/stack/go-duration.ts'
import { readStack } from '../../src/stack/read-stack.ts'
import { substitute } from '../../src/stack/substitute.ts'
import { folderOf, provider } from '../kit.ts'

const stackOf = (text: string, more: Record<string, string> = {}) =>
  readStack(join(folderOf({ 'stack.yaml': text, 'f/handler.js': '', ...more }).path, 'stack.yaml'), { TAG: '1.2', EMPTY: '' })

describe('a stack file', () => {
  test('gives functions with texts, environment files over environment, and variables replaced', () => {
    const { functions, warnings } = stackOf(
      `${provider}functions:
  f:
    lang: node22
    handler: ./f
    image: me/f:\${TAG:-latest}
    namespace: team
    annotations: { topic: "a, b", com.openfaas.retry.attempts: 5, on: true }
    environment: { A: 1, B: \${EMPTY:-dflt} }
    environment_file: [env.yaml]
    limits: { memory: 64Mi }
    secrets: [s]
    handelr: x
`,
      { 'env.yaml': 'environment: { A: file, C: c }' },
    )
    expect(functions[0]).toMatchObject({
      name: 'f',
      namespace: 'team',
      image: 'me/f:1.2',
      annotations: { topic: 'a, b', 'com.openfaas.retry.attempts': '5', on: 'true' },
      environment: { A: 'file', B: 'dflt', C: 'c' },
      limits: { memory: '64Mi' },
    })
    expect(warnings).toEqual(['stack.yaml:14: the field functions.f.handelr is not known and has no effect'])
  })

  test('with mistakes is refused with all of them and their lines', () => {
    const text = `provider: { name: kubernetes }\nfunctions:\n  Bad_Name: { handler: ./f }\n  g:\n    handler: ./f\n    annotations: [a]\n  h: { upstream: "file:///etc/passwd" }\n`
    expect(() => stackOf(text)).toThrow(
      /stack\.yaml:1: provider\.name: must be 'openfaas'[^]*stack\.yaml:3: functions[^]*stack\.yaml:6: functions\.g\.annotations[^]*stack\.yaml:7: functions\.h\.upstream/,
    )
  })

  test('T31 T34 cannot bring in prototypes or names that are paths', () => {
    const { functions } = stackOf(`${provider}functions:\n  f: { handler: ./f, annotations: { __proto__: x, constructor: y } }\n`)
    expect(Object.getPrototypeOf(functions[0]?.annotations)).toBeNull()
    expect(({} as Record<string, unknown>)['x']).toBeUndefined()
    for (const name of ['../system/secrets', 'a/b', 'a?x', 'a.b', 'a'.repeat(64), '%2e%2e'])
      expect(() => stackOf(`${provider}functions:\n  "${name}": { handler: ./f }\n`)).toThrow('E_STACK_INVALID')
  })
})

describe('substitution', () => {
  test.each([
    ['${A}', 'a'],
    ['${NONE}', ''],
    ['${NONE:-x}', 'x'],
    ['${EMPTY:-x}', 'x'],
    ['${EMPTY-x}', ''],
    ['${NONE:-${A}}/b', 'a/b'],
    ['${NONE:=x}', 'x'],
    ['$$A $A ${', '$A $A ${'],
    ['${NONE:-un', '${NONE:-un'],
    ['${constructor}', ''],
  ])('%s gives %s', (text, wanted) => {
    expect(substitute(text, { A: 'a', EMPTY: '' })).toBe(wanted)
  })

  test('leaves text without a dollar alone, and never throws', () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !text.includes('$')),
        (text) => {
          expect(substitute(text, {})).toBe(text)
        },
      ),
    )
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('$', '{', '}', ':', '-', 'A') }), (text) => void substitute(text, { A: 'x' })))
  })
})

test('durations are those of Go, or seconds', () => {
  expect(['10s', '1m30s', '250ms', '1.5h', '7', 'x', '5 s', ''].map(goDuration)).toEqual([
    10_000,
    90_000,
    250,
    5_400_000,
    7000,
    undefined,
    undefined,
    undefined,
  ])
})
