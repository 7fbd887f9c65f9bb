import { isMillraceError } from '@millrace/sdk'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readTemplumTopology } from '../../src/topology/templum.ts'

const problemsOf = (text: string): string => {
  try {
    readTemplumTopology('topology.yaml', text)
    return ''
  } catch (error) {
    if (!isMillraceError(error) || error.code !== 'E_RABBITMQ_TOPOLOGY') throw error
    return String(error.context['problems'])
  }
}

const published = `
- name: AEx # as in the readme of the project
  topics: [Foo, Bar, 7]
  declare: true
  type: "topic"
  durable: yes
  auto-deleted: false
- name: BEx
  topics:
    - "Billing"
`

describe('a topology file of Templum', () => {
  it('is read, with the values of that connector where something is missing', () => {
    expect(readTemplumTopology('t.yaml', published)).toEqual({
      exchanges: [
        { name: 'AEx', topics: ['Foo', 'Bar', '7'], declare: true, type: 'topic', durable: true, autoDeleted: false },
        { name: 'BEx', topics: ['Billing'], declare: false, type: 'direct', durable: false, autoDeleted: false },
      ],
      hints: [],
    })
  })

  it('has the type direct where it says something else, and that is said', () => {
    const { exchanges, hints } = readTemplumTopology('t.yaml', '- name: A\n  topics: [x]\n  type: fanout\n')
    expect(exchanges[0]?.type).toBe('direct')
    expect(hints).toEqual([expect.stringContaining('t.yaml:3:')])
  })

  it.each([
    ['name: A', 'topology.yaml:1: the file must be a list'],
    ['- name: A\n  topics: []', 'topology.yaml:2: topics must be a list'],
    ['- topics: [a]', 'topology.yaml:1: name: missing'],
    ['- name: A\n  topics: [a]\n  durabel: true', 'topology.yaml:3: `durabel` is not known; name, topics'],
    ['- name: A\n  topics: [a]\n  durable: perhaps', 'topology.yaml:3: durable is neither true nor false'],
    ['- name: A\n  topics:\n    - a\n    - a', 'topology.yaml:4: its queue `OpenFaaS_A_a` is in the file already'],
    ['- name: A\n  topics:\n    - a.*', 'topology.yaml:3: topic `a.*`: an exchange of type direct has no wildcards'],
    ['- name: A\n  topics: [a]\n   b', 'not valid YAML'],
    ['- &x a\n- *x', 'an entry must be a mapping'],
    [`- name: A\n  topics: [${'t'.repeat(250)}]`, 'more than 255 bytes'],
  ])('%j is refused with its line', (text, problem) => {
    expect(problemsOf(text)).toContain(problem)
  })

  it('is told all of its mistakes at once', () => {
    expect(problemsOf('- name: A\n- topics: [b]\n- 3\n').split('\n')).toHaveLength(3)
  })

  it('is read or refused with a code, whatever it holds', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json().map((text) => `- ${text}`),
        ),
        (text) => void problemsOf(text),
      ),
    )
  })
})
