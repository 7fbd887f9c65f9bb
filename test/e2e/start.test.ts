import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileDeadLetters } from '@millrace/sdk'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Ended, type MillraceProcess, repository, startMillrace } from './dev-process.ts'

const freePorts = ['--gateway-port', '0', '--events-port', '0', '--admin-port', '0']
const folders: string[] = []
const started = new Set<MillraceProcess>()

const folderOf = (files: Readonly<Record<string, string>> = {}): string => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-start-'))
  folders.push(folder)
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), text)
  }
  return folder
}

const millrace = (args: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}): MillraceProcess => {
  const one = startMillrace(args, cwd, env)
  started.add(one)
  void one.ended.then(() => started.delete(one))
  return one
}

const command = (args: readonly string[], cwd: string): Promise<Ended> => millrace(args, cwd).ended

const killAll = async (): Promise<void> => {
  const left = [...started]
  for (const one of left) one.kill('SIGKILL')
  await Promise.all(left.map((one) => one.ended))
}

const removeFolders = (): void => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

/** As `curl` would; the command itself is used once in each group. */
const post = async (url: string, body: string, id?: string): Promise<{ id: string; results?: readonly unknown[] }> => {
  const headers = {
    'content-type': body.startsWith('{') ? 'application/json' : 'text/plain',
    ...(id !== undefined && { 'idempotency-key': id }),
  }
  return (await (await fetch(url, { method: 'POST', body, headers })).json()) as { id: string; results?: readonly unknown[] }
}

const readyLine = /^ready gateway=(http:\S+) events=(http:\S+\/topics\/) admin=(http:\S+)$/m

interface Up {
  readonly process: MillraceProcess
  readonly gateway: string
  readonly events: string
  readonly admin: string
}

const up = async (args: readonly string[], cwd: string, env?: Readonly<Record<string, string>>): Promise<Up> => {
  const process = millrace(['dev', ...args], cwd, env)
  const [, gateway = '', events = '', admin = ''] = await process.line(readyLine)
  return { process, gateway, events, admin }
}

describe('millrace dev with the functions of the examples', () => {
  let cwd: string
  let dev: Up

  beforeAll(async () => {
    cwd = folderOf()
    dev = await up([...freePorts, '--stack', join(repository, 'examples/stack.yaml')], cwd)
  })

  afterAll(async () => {
    await killAll()
    removeFolders()
  })

  test('an event that is posted reaches the functions that want it, and a failed attempt is tried again', async () => {
    const ids: string[] = []
    for (const size of ['big', 'small', 'small']) {
      ids.push((await post(`${dev.events}orders.created`, JSON.stringify({ id: 7, size }))).id)
    }
    await dev.process.line(new RegExp(`^.* event +orders\\.created +from http +${ids[0]}$`, 'm'))
    await dev.process.line(new RegExp(`output +order-handler +\\| order 7 handled, event ${ids[0]}, attempt 1$`, 'm'))
    await dev.process.line(new RegExp(`acked +orders\\.created +4 done in .*${ids[0]}$`, 'm'))
    await dev.process.line(new RegExp(`skipped +big-orders .*${ids[1]}$`, 'm'))
    await dev.process.line(new RegExp(`retry +flaky-mailer +attempt 1: 503 .*again in .*${ids[2]}$`, 'm'))
    await dev.process.line(new RegExp(`done +flaky-mailer +attempt 2: 200 .*${ids[2]}$`, 'm'))
  })

  test('the schedule fires', async () => {
    await dev.process.line(/output +heartbeat +\| tick of \d{4}-/)
    await dev.process.line(/acked +cron-function +1 done/)
  })

  test('with --wait the results come back', async () => {
    const sent = await command(['send', 'orders.paid', '--events', dev.events, '--data', '{}', '--wait', '--json'], cwd)
    expect(sent.code, sent.err).toBe(0)
    expect(JSON.parse(sent.out)).toMatchObject({ results: [{ function: 'audit.openfaas-fn', outcome: 'done', status: 204, attempts: 1 }] })
  })

  test('the running connector explains a topic', async () => {
    const explained = await command(['explain', 'Orders.created', '--admin', dev.admin, '--json'], cwd)
    expect(explained.code).toBe(1)
    expect((JSON.parse(explained.out) as { nearMisses: unknown[] }).nearMisses).toContainEqual(
      expect.objectContaining({ function: 'order-handler.openfaas-fn', code: 'case' }),
    )
  })

  test('metrics, probes and configuration are served', async () => {
    expect((await fetch(`${dev.admin}/readyz`)).status).toBe(200)
    expect(await (await fetch(`${dev.admin}/metrics`)).text()).toMatch(/^millrace_/m)
    const config = await (await fetch(`${dev.admin}/config`)).json()
    expect(config).toContainEqual(expect.objectContaining({ name: 'gateway_url', value: dev.gateway, origin: 'the embedded gateway' }))
    expect(config).toContainEqual(expect.objectContaining({ name: 'state_dir', value: join(cwd, '.millrace'), origin: 'data_dir' }))
  })

  test('a second one over the same data is refused, and told what to do', async () => {
    const second = await command(['dev', ...freePorts, '--stack', join(repository, 'examples/stack.yaml')], cwd)
    expect(second).toMatchObject({ code: 1, err: expect.stringMatching(/E_JOURNAL_LOCKED[^]*--data-dir/) })
  })

  test('SIGTERM drains, says what was done and ends with 0; nothing is on standard error', async () => {
    dev.process.kill('SIGTERM')
    const { code, out, err } = await dev.process.ended
    expect([code, err]).toEqual([0, ''])
    const [, received, acked] = /stopped +(\d+) events received: (\d+) acknowledged, 0 in the dead letters, 0 given back$/m.exec(out) ?? []
    expect(Number(received)).toBeGreaterThanOrEqual(5)
    expect(acked).toBe(received)
    expect(out.match(new RegExp(readyLine, 'gm'))).toHaveLength(1)
  })
})

describe('what goes wrong', () => {
  afterEach(async () => {
    await killAll()
    removeFolders()
  })

  const stack = 'version: 1.0\nprovider: { name: openfaas }\nfunctions:\n'

  const mailer = (handler: string): string =>
    folderOf({
      'stack.yaml': `${stack}  mailer: { handler: ./mailer, annotations: { topic: mail } }\n  audit: { handler: ./audit, annotations: { topic: mail } }\n`,
      'mailer/handler.js': handler,
      'audit/handler.js': "module.exports = async () => console.log('audited')",
    })

  test('a dead letter is replayed to the function that failed, once it is mended, and to no other', async () => {
    const cwd = mailer("module.exports = async (event, context) => context.status(400).fail('broken')")
    const { process, events, gateway } = await up(freePorts, cwd)
    const { results } = await post(`${events}mail?wait=true`, 'hello', 'mail-1')
    expect(results).toContainEqual(expect.objectContaining({ function: 'mailer.openfaas-fn', outcome: 'dead-lettered', status: 400 }))
    await process.line(/dead +mailer +rejected after 1 attempts, kept in the dead letters +mail-1$/m)
    writeFileSync(
      join(cwd, 'mailer/handler.js'),
      "module.exports = async (event) => console.log('mended', event.headers['x-event-id'], event.headers['content-type'])",
    )
    await process.line(/read again: .*mailer/)
    const replay = ['replay', '.millrace/dead-letters', '--gateway', gateway, '--json']
    const replayed = await command(replay, cwd)
    expect(JSON.parse(replayed.out), replayed.err).toMatchObject({ selected: 1, delivered: 1, failed: 0 })
    expect(replayed.code).toBe(0)
    await process.line(/output +mailer +\| mended mail-1 text\/plain$/m)
    expect(process.output().match(/\| audited$/gm)).toHaveLength(1)
    const again = await command(replay, cwd)
    expect(JSON.parse(again.out)).toMatchObject({ selected: 0, skipped: { replayed: 1 } })
  })

  test('events that were taken survive a kill -9', async () => {
    const cwd = mailer(
      "module.exports = async (event, context) => (require('node:fs').existsSync('./open') ? 1 : context.status(503).fail('shut'))",
    )
    const first = await up([...freePorts, '--retry-min-wait=50ms'], cwd)
    expect(await post(`${first.events}mail`, 'hello', 'kept-1')).toEqual({ id: 'kept-1' })
    await first.process.line(/retry +mailer .*kept-1$/m)
    first.process.kill('SIGKILL')
    await first.process.ended
    writeFileSync(join(cwd, 'open'), '')
    const second = await up(freePorts, cwd)
    await second.process.line(/done +mailer +attempt 1: 200 .*kept-1$/m)
  })

  test('a second signal gives back what is in flight and ends with its number', async () => {
    const cwd = mailer('module.exports = () => new Promise(() => {})')
    const { process, events } = await up(freePorts, cwd)
    await post(`${events}mail`, 'hello')
    await process.line(/done +audit/)
    process.kill('SIGINT')
    await process.line(/draining/)
    process.kill('SIGINT')
    const { code, out } = await process.ended
    expect([code, out]).toEqual([
      130,
      expect.stringMatching(/stopped +1 events received: 0 acknowledged, 0 in the dead letters, 1 given back/),
    ])
  })

  test('a fault plan shows what happens, and --json tells it to a program', async () => {
    const cwd = mailer('module.exports = async () => 1')
    writeFileSync(
      join(cwd, 'faults.yaml'),
      'rules:\n  - match: { function: mailer, attempt: 1 }\n    then: { status: 429, retryAfter: 0 }\n',
    )
    const dev = millrace(['dev', ...freePorts, '--fault-plan', 'faults.yaml', '--json', '--retry-min-wait=10ms'], cwd)
    const [text] = await dev.line(/^\{"kind":"ready".*$/m)
    const { events } = JSON.parse(text) as { events: string }
    await post(`${events}mail?wait=true`, 'hello')
    dev.kill('SIGINT')
    const { code, out } = await dev.ended
    expect(code).toBe(0)
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { kind: string; about: string; text: string })
    expect(lines).toContainEqual(
      expect.objectContaining({ kind: 'retry', about: 'mailer.openfaas-fn', text: expect.stringMatching(/^attempt 1: 429/) }),
    )
    expect(lines).toContainEqual(
      expect.objectContaining({ kind: 'done', about: 'mailer.openfaas-fn', text: expect.stringMatching(/^attempt 2: 200/) }),
    )
  })

  test('a replay that is stopped leaves the rest for the next one', async () => {
    const cwd = mailer("module.exports = async () => console.log('mailed')")
    const { process, gateway } = await up(freePorts, cwd)
    const sink = await fileDeadLetters({ directory: join(cwd, 'letters') })
    const rest = { source: '/mail', type: 'mail', topic: 'mail', data: Buffer.from('hello'), headers: [] }
    const letter = {
      intake: 'mail',
      function: 'mailer.openfaas-fn',
      reason: 'exhausted',
      detail: '',
      attempts: 1,
      history: [],
      hops: 0,
    } as const
    for (const id of ['m-1', 'm-2', 'm-3']) await sink.write({ ...letter, event: { id, ...rest }, diedAt: Date.now() })
    await sink.close()
    const slow = millrace(['replay', 'letters', '--gateway', gateway, '--rate', '1/h', '--json'], cwd)
    await process.line(/output +mailer +\| mailed$/m)
    slow.kill('SIGINT')
    const { code, out } = await slow.ended
    expect(code).toBe(130)
    expect(JSON.parse(out)).toMatchObject({ selected: 3, delivered: 1, failed: 0, left: 2 })
    const next = await command(['replay', 'letters', '--gateway', gateway, '--json'], cwd)
    expect(JSON.parse(next.out)).toMatchObject({ selected: 2, delivered: 2, skipped: { replayed: 1 } })
  })

  test('the same connectors work with a gateway that runs elsewhere', async () => {
    const cwd = mailer("module.exports = async () => console.log('mailed')")
    const one = await up(freePorts, cwd)
    const other = folderOf()
    const two = await up(['--gateway', one.gateway, ...freePorts], other)
    expect(two.gateway).toBe(one.gateway)
    await post(`${two.events}mail?wait=true`, 'hello')
    await two.process.line(/done +mailer +attempt 1: 200/)
    await one.process.line(/output +mailer +\| mailed$/m)
  })
})
