import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MillraceError } from '../../../src/core/errors.ts'
import { Secret } from '../../../src/core/secret.ts'
import { createLogger, silentLogger } from '../../../src/ports/logging/pino-logger.ts'
import type { LoggerOptions } from '../../../src/ports/logging/pino-logger.ts'

/** Any UTF-16 unit, lone surrogates and control characters included. fast-check's own `binary` needs seconds to begin. */
const anyUnit = fc.oneof(fc.nat(0xff), fc.nat(0xffff)).map((unit) => String.fromCharCode(unit))

const recorder = (options: LoggerOptions = {}) => {
  const lines: string[] = []
  const logger = createLogger({ level: 'trace', ...options, destination: { write: (line) => lines.push(line) } })
  return { lines, logger, last: (): Record<string, unknown> => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown> }
}

test('a JSON line has time, level, msg and the fields; children add theirs', () => {
  const { logger, last, lines } = recorder({ base: { connector: 'cron' } })
  logger.child({ component: 'engine' }).warn('function is slow', { function: 'a.b', attempt: 2 })
  expect(last()).toEqual({
    level: 'warn',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
    connector: 'cron',
    component: 'engine',
    function: 'a.b',
    attempt: 2,
    msg: 'function is slow',
  })
  expect(lines[0]?.endsWith('\n')).toBe(true)
})

test('lines below the level are not made, nor are their fields looked at', () => {
  const { logger, lines } = recorder({ level: 'info' })
  logger.debug('no', {
    get costly(): string {
      throw new Error('looked at')
    },
  })
  logger.trace('no')
  expect(lines).toEqual([])
  silentLogger.child({}).error('nothing')
})

test('T39 secrets and payloads never stand in a line, whatever they hide in', () => {
  const { logger, lines } = recorder()
  const canary = 'canary-55e1'
  const secret = new Secret(canary)
  logger.info(`with ${String(secret)}`, { secret, deep: { list: [secret], map: new Map([['k', secret]]), set: new Set([secret]) } })
  logger.info('names', {
    password: canary,
    headers: { Authorization: canary, 'set-cookie': [canary], 'x-api': { token: canary } },
    apiKey: canary,
  })
  logger.info('payload', { event: { data: Buffer.from(canary), id: 'e1' }, body: canary, bytes: new TextEncoder().encode(canary) })
  logger.info('url', { url: new URL(`http://user:${canary}@host/x`) })
  logger.error('error', { error: new MillraceError('E_INTERNAL_STATE', { what: 'w' }, new Error(`inner ${String(secret)}`)) })
  logger.child({ password: canary }).info('child')
  expect(lines).toHaveLength(6)
  expect(lines.join('')).not.toContain(canary)
  expect(lines.join('')).not.toContain(Buffer.from(canary).toString('base64'))
  expect(lines[4]).toContain('"code":"E_INTERNAL_STATE"')
  expect(lines[2]).toContain('"id":"e1"')
})

test('a field cannot take the place of time, level or msg', () => {
  const { logger, lines, last } = recorder()
  logger.info('real', { level: 'error', msg: 'forged', time: 0 })
  expect(last()).toMatchObject({ level: 'info', msg: 'real', level_: 'error', msg_: 'forged', time_: 0 })
  expect(lines[0]?.match(/"level":/g)).toHaveLength(1)
})

test('cycles, depth, length and strange values are bounded', () => {
  const { logger, lines } = recorder()
  const cycle: Record<string, unknown> = { name: 'c' }
  cycle['self'] = cycle
  logger.info('odd', {
    cycle,
    big: 10n,
    fn: () => 1,
    sym: Symbol('s'),
    date: new Date(Number.NaN),
    long: 'x'.repeat(100_000),
    many: Array.from({ length: 1000 }, (_, i) => i),
  })
  expect(lines).toHaveLength(1)
  expect(lines[0]?.length).toBeLessThan(20_000)
})

describe.each(['json', 'console'] as const)('T42 %s', (encoding) => {
  test('whatever is logged, one call gives one line without control characters', () => {
    const { logger, lines } = recorder({ encoding })
    fc.assert(
      fc.property(
        fc.string({ unit: anyUnit }),
        fc.string({ unit: anyUnit, minLength: 1 }),
        fc.string({ unit: anyUnit }),
        (message, name, value) => {
          lines.length = 0
          logger.info(message, { [name]: value, nested: { [name]: `${value}\r\n\u001B[2J\u009B31m\u2028\u202E` } })
          expect(lines).toHaveLength(1)
          // oxlint-disable-next-line no-control-regex
          expect(lines[0]?.slice(0, -1)).not.toMatch(/[\u0000-\u001F\u007F-\u009F\u2028\u2029\u202A-\u202E]/)
          expect(lines[0]?.endsWith('\n')).toBe(true)
        },
      ),
    )
  })
})

test('a console line is readable', () => {
  const { logger, lines } = recorder({ encoding: 'console' })
  logger.warn('function is slow', { function: 'a.b', attempt: 2, why: 'two words', list: [1, 2] })
  expect(lines[0]).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3} WARN {2}function is slow {2}function=a\.b {2}attempt=2 {2}why="two words" {2}list=\[1,2\]\n$/,
  )
})
