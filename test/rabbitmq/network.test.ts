import { writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDoor, type Door } from '../../packages/rabbitmq-connector/test/real/door.ts'
import type { Connector } from '../processes/connector.ts'
import { waitUntil } from '../processes/wait-until.ts'
import { rabbitmq, uniqueName, type SharedRabbitmq } from '../servers/rabbitmq.ts'
import { startToxiproxy, type Toxiproxy } from '../servers/toxiproxy.ts'
import { say } from '../kafka/kit/say.ts'
import { blackHole, closedAgainAndAgain, notReady, openThrough, readyAgain, resetEverywhere, statusOf } from './scenarios/connections.ts'

let broker: SharedRabbitmq
let toxiproxy: Toxiproxy
const doors: Door[] = []
beforeAll(async () => {
  ;[broker, toxiproxy] = await Promise.all([rabbitmq.shared(), startToxiproxy()])
}, 180_000)
afterAll(async () => {
  await Promise.all(doors.map((door) => door.close()))
  await toxiproxy?.stop()
}, 60_000)

const door = async (): Promise<Door> => {
  const made = await openDoor(broker.port)
  doors.push(made)
  return made
}

const timeout = 120_000

/** The line of a code, with what to do. */
const told = async (connector: Connector, code: string): Promise<string> => {
  const find = (): Readonly<Record<string, unknown>> | undefined =>
    connector.logs().find((line) => line['code'] === code && typeof line['fix'] === 'string')
  await waitUntil(() => find() !== undefined, { timeoutMs: 30_000, what: () => `${code}\n${connector.output().slice(-3000)}` })
  return `${String(find()?.['msg'])} ${String(find()?.['fix'])}`
}

/** Accepts, and never says a word. */
const silent = async (): Promise<{ readonly port: number; readonly count: () => number; close(): void }> => {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    sockets.push(socket)
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()))
  const close = (): void => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return { port: (server.address() as AddressInfo).port, count: () => sockets.length, close }
}

// They wait more than they work.
describe.concurrent('between connector and broker', () => {
  test('T7 closed by the broker every 500 ms for 10 s, with a slow way: never dead, never gone, nothing lost', { timeout }, async () => {
    const proxy = await toxiproxy.proxy(broker.port)
    await proxy.add({ type: 'latency', latencyMs: 60, jitterMs: 30 })
    const figures = await closedAgainAndAgain(broker, proxy.port, { forMs: 10_000, everyMs: 500 })
    say('closed every 500 ms', figures)
    expect(figures.problems).toEqual([])
    expect(figures.faults).toBeGreaterThan(8)
    expect(figures.backMs).toBeLessThan(20_000)
  })

  test('T7 reset in the handshake, in the set-up, while retries are published: nothing lost', { timeout }, async () => {
    const figures = await resetEverywhere(broker, await door(), [0, 3, 8, 15, 25, 40, 80, 200], 1000)
    say('reset everywhere', figures)
    expect(figures.problems).toEqual([])
    expect(figures.attempts).toBeGreaterThan(40)
    expect(figures.backMs).toBeLessThan(20_000)
  })

  test(
    'T9 a black hole is noticed within three heartbeats, also while a connection is being set up, and is over when it is over',
    { timeout },
    async () => {
      const figures = await blackHole(broker, await door(), { forMs: 6000, beforeMs: [215, 245] })
      say('black hole', figures)
      expect(figures.problems).toEqual([])
      // Three of one second, and one for a machine that has other things to do.
      expect(figures.noticedMs).toBeLessThan(4000)
      expect(figures.backMs).toBeLessThan(10_000)
    },
  )

  test('T2 SIGTERM in a black hole keeps its deadline, and what was not acknowledged is there', { timeout }, async () => {
    const hole = await door()
    const { run, start } = await openThrough(broker, [hole.port], {
      env: { rabbitmq_heartbeat: '30s', drain_timeout: '3s' },
      behaviour: [{ delayMs: 200 }],
    })
    await using _ = run
    const connector = await start()
    await connector.ready(60_000)
    await run.publish(200)
    await run.waitForSuccesses(40)
    hole.freeze()
    const since = performance.now()
    connector.terminate()
    const { code } = await connector.exited
    const tookMs = Math.round(performance.now() - since)
    say('SIGTERM in a black hole', { tookMs })
    expect(code).toBe(0)
    // The drain, and the five seconds that a pod has beyond it by default (30 s and 25 s).
    expect(tookMs).toBeLessThan(3000 + 5000)
    // Nobody has told the broker: it would find out after two heartbeats.
    await broker.closeConnections(new RegExp(`^${run.queue}`))
    const second = await run.start()
    await second.ready()
    await run.drained()
    const found = await run.report({ kills: 1 })
    expect(found.problems).toEqual([])
    expect(found.succeeded).toBe(200)
  })

  test('T7 the first host is down, the second silent: tried on and on; then the third, then the first again', { timeout }, async () => {
    const quiet = await silent()
    const [first, third] = await Promise.all([toxiproxy.proxy(broker.port), toxiproxy.proxy(broker.port)])
    await Promise.all([first.disable(), third.disable()])
    try {
      const { run, start } = await openThrough(broker, [first.port, quiet.port, third.port], { env: { rabbitmq_connect_timeout: '500ms' } })
      await using _ = run
      await run.publish(50)
      const connector = await start()
      expect(await told(connector, 'E_RABBITMQ_UNREACHABLE')).toMatch(new RegExp(`127.0.0.1:${first.port}, .*host and port`))
      // Twice a connection for each round of hosts.
      await waitUntil(() => quiet.count() >= 6, { timeoutMs: 30_000, what: () => `tries; there were ${quiet.count()}` })
      expect(await statusOf(connector, '/readyz')).toBe(503)
      expect(await statusOf(connector, '/livez')).toBe(200)
      await third.enable()
      const upMs = await readyAgain(connector)
      await run.waitForSuccesses(50)
      await Promise.all([first.enable(), third.disable()])
      await notReady(connector)
      await run.publish(50)
      await run.waitForSuccesses(100, 60_000)
      say('hosts', { upMs })
      await run.drained()
      const found = await run.report({ kills: 2, metrics: await connector.metrics() })
      expect(found.problems).toEqual([])
    } finally {
      quiet.close()
    }
  })

  test(
    'T15 a password is changed and its file later; the rights of the user are taken and given back: over without a restart',
    { timeout },
    async () => {
      const user = { username: uniqueName('rotated'), password: 'canary-one' }
      await broker.addUser(user)
      const all = { configure: '.*', write: '.*', read: '.*' }
      await broker.setPermissions(user.username, all)
      const { run } = await openThrough(broker, [broker.port])
      await using _ = run
      const file = join(run.folder, 'password')
      writeFileSync(file, user.password)
      const connector = await run.start({
        rabbitmq_url: `amqp://127.0.0.1:${broker.port}`,
        rabbitmq_username: user.username,
        rabbitmq_password_file: file,
        rabbitmq_connection_name: run.queue,
      })
      await connector.ready(60_000)
      const load = run.load({ perSecond: 40 })
      await run.waitForSuccesses(20)
      const cut = async (): Promise<void> => void (await broker.closeConnections(new RegExp(`^${run.queue}`)))

      await broker.changePassword(user.username, 'canary-two')
      await cut()
      expect(await told(connector, 'E_RABBITMQ_AUTHENTICATION')).toMatch(new RegExp(`${user.username}.*files are read again`))
      await notReady(connector)
      writeFileSync(file, 'canary-two\n')
      const passwordMs = await readyAgain(connector)

      // First the file this time, as a rotation should: nobody sees a refusal.
      await broker.changePassword(user.username, 'canary-three')
      writeFileSync(file, 'canary-three')
      await cut()
      await run.waitForSuccesses(run.succeeded().size + 20)
      await connector.ready()

      await broker.clearPermissions(user.username)
      await cut()
      expect(await told(connector, 'E_RABBITMQ_VHOST')).toContain('list_user_permissions')
      await notReady(connector)
      await broker.setPermissions(user.username, all)
      const rightsMs = await readyAgain(connector)

      await load.finish()
      await run.drained(60_000)
      const found = await run.report({ kills: 6, metrics: await connector.metrics() })
      say('password and rights', { passwordMs, rightsMs, duplicated: found.duplicated })
      expect(found.problems).toEqual([])
      expect(found.succeeded).toBe(found.confirmed)
      expect(connector.output()).not.toContain('canary')
    },
  )
})
