import { expect, test } from 'vitest'
import { createNarrator, type Narrator, renderLine } from '../../src/dev/narrator.ts'

const narratorOf = (json = false): { narrator: Narrator; lines: string[]; clock: { at: number } } => {
  const lines: string[] = []
  const clock = { at: 1_000_000 }
  const narrator = createNarrator({ out: (text) => void lines.push(text), clock: { now: () => clock.at }, colour: false, json })
  return { narrator, lines, clock }
}

test('a line has a time, a kind, a subject, what happened and which event', () => {
  const line = renderLine(
    { kind: 'retry', about: 'mailer.openfaas-fn', text: 'attempt 1: 503', id: 'e-1' },
    Date.UTC(2026, 10, 25, 8, 0, 1, 5),
    false,
  )
  expect(line).toBe(`08:00:01.005  retry     ${'mailer'.padEnd(20)} ${'attempt 1: 503'.padEnd(42)}  e-1`)
})

test('T42 whatever comes from outside stays on one line and colours nothing', () => {
  const evil = 'a\nb\u001B[31m\u202Ec\r'
  const line = renderLine({ kind: 'event', about: evil, text: evil, id: evil }, 0, false)
  // oxlint-disable-next-line no-control-regex
  expect(line).not.toMatch(/[\u0000-\u001F\u202E]/)
  expect(renderLine({ kind: 'output', about: 'f', text: 'x'.repeat(10_000) }, 0, false).length).toBeLessThan(700)
})

test('colours the kind only, and only when asked to', () => {
  // oxlint-disable-next-line no-control-regex
  expect(renderLine({ kind: 'failed', about: 'f', text: 't' }, 0, true)).toMatch(/^00:00:00\.000 {2}\u001B\[31mfailed +\u001B\[39m f +t$/)
})

test('leaves lines of busy seconds out, counts them, and never leaves out what matters', () => {
  const { narrator, lines, clock } = narratorOf()
  for (let index = 0; index < 1000; index += 1) narrator.say({ kind: 'event', about: 't', text: '' })
  narrator.say({ kind: 'dead', about: 'f', text: 'rejected' })
  expect(lines).toHaveLength(401)
  clock.at += 1000
  narrator.say({ kind: 'event', about: 't', text: '' })
  expect(lines.at(-2)).toContain('600 lines of the last busy second were left out')
})

test('the ready line is exactly this', () => {
  const where = { gateway: 'http://g', events: 'http://e/topics/', admin: 'http://a' }
  const { narrator, lines } = narratorOf()
  narrator.ready(where)
  expect(lines).toEqual(['ready gateway=http://g events=http://e/topics/ admin=http://a\n'])
  const json = narratorOf(true)
  json.narrator.ready(where)
  json.narrator.say({ kind: 'acked', about: 't', text: '1 done', id: 'e' })
  expect(json.lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    { kind: 'ready', ...where },
    { time: '1970-01-01T00:16:40.000Z', kind: 'acked', about: 't', text: '1 done', id: 'e' },
  ])
})
