import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { functionKey, parseFunctionKey } from '../../../src/core/topics/names.ts'
import { hostileText } from '../hostile-text.ts'

const attacks = [
  '../system/secrets',
  '%2e%2e',
  '.',
  '..',
  '',
  'a/b',
  'a?x',
  'a#',
  'a@host',
  '//evil',
  'a\u3002b',
  'a\uFF0Eb',
  'a\u2024b',
  'a b',
  'a\n',
  'a\r\nHost: evil',
  'a:80',
  'a\\b',
  '-a',
  'a-',
  '_a',
  'a'.repeat(64),
  'a'.repeat(300),
]

describe('functionKey', () => {
  test.each(attacks)('T34 refuses the name %j, also with a namespace', (name) => {
    expect(functionKey(name)).toBeUndefined()
    expect(functionKey(name, 'openfaas-fn')).toBeUndefined()
  })

  test.each([...attacks, 'Upper', 'under_score'])('T34 refuses the namespace %j', (namespace) => {
    expect(functionKey('fn', namespace)).toBeUndefined()
  })

  test.each(['fn.kube-system', 'fn.a.b'])('T35 refuses the dotted name %s, which the gateway would take for a namespace', (name) => {
    expect(functionKey(name)).toBeUndefined()
    expect(functionKey(name, 'openfaas-fn')).toBeUndefined()
  })

  test.each(['a', 'order-handler', 'Fn_2', '0', 'a'.repeat(63)])('takes %s', (name) => {
    expect(functionKey(name)).toBe(name)
    expect(functionKey(name, 'dev')).toBe(`${name}.dev`)
  })

  test('T34 whatever it lets through stands in a URL as it is', () => {
    fc.assert(
      fc.property(hostileText(), fc.option(hostileText(), { nil: undefined }), (name, namespace) => {
        const key = functionKey(name, namespace)
        if (key === undefined) return
        expect(new URL(`http://gateway/function/${key}`).pathname).toBe(`/function/${key}`)
      }),
    )
  })
})

test('a key is parted into what it was made of', () => {
  const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?$/)
  fc.assert(
    fc.property(label, fc.option(label, { nil: undefined }), (name, namespace) => {
      const key = functionKey(name, namespace)
      expect(key).toBeDefined()
      expect(parseFunctionKey(key ?? '')).toEqual(namespace === undefined ? { name } : { name, namespace })
    }),
  )
  expect(parseFunctionKey('a.b.c')).toBeUndefined()
  expect(parseFunctionKey('a.')).toBeUndefined()
})
