import { writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { startChild } from '../../../../../test/processes/child.ts'
import { debianProgram } from '../../../../../test/servers/debian.ts'
import { reservePort } from '../../../../../test/servers/ports.ts'
import { redis } from '../../../../../test/servers/redis.ts'
import { redisCommand } from '../../../../../test/servers/redis/command.ts'
import { recordingLogger } from '../journal/recording-logger.ts'
import { tempFolders } from '../journal/temp-folder.ts'
import { bytes, openStore, until } from './redis-kit.ts'

const folder = tempFolders()

/** One sentinel decides alone: enough to see what a client makes of a failover. */
const startSentinel = async (masterPort: number): Promise<{ readonly port: number; stop(): Promise<void> }> => {
  const reserved = await reservePort()
  const file = `${await folder()}/sentinel.conf`
  const lines = [
    `port ${reserved.port}`,
    'bind 127.0.0.1',
    `sentinel monitor mymaster 127.0.0.1 ${masterPort} 1`,
    'sentinel down-after-milliseconds mymaster 300',
    'sentinel failover-timeout mymaster 3000',
  ]
  await writeFile(file, `${lines.join('\n')}\n`)
  const child = await startChild({ command: await debianProgram('redis-server'), args: [file, '--sentinel'] })
  await until(
    () =>
      redisCommand(reserved.port, undefined, ['PING']).then(
        () => true,
        () => false,
      ),
    'the sentinel',
  )
  return {
    port: reserved.port,
    stop: async () => {
      await child.kill9()
      reserved.release()
    },
  }
}

test('a failover by Sentinel: the store goes to the new master by itself, and a lease of before is as safe as ever', async () => {
  await using master = await redis.single()
  await using replica = await redis.single({ args: ['--replicaof', '127.0.0.1', String(master.port)] })
  const sentinel = await startSentinel(master.port)
  const logger = recordingLogger()
  const store = await openStore('redis://mymaster', 'ha', { sentinels: [`127.0.0.1:${sentinel.port}`], logger })
  try {
    await until(
      () =>
        store.put('cursor', bytes('7'), 'absent').then(
          () => true,
          () => false,
        ),
      'a first put',
    )
    const lease = await store.lease('lead', 60_000)
    // What is not replicated when the master dies is lost; this is.
    await until(async () => (await replica.command('EXISTS', '{ha}:lease:lead')) === 1, 'replicated')
    // The sentinel learns of replicas from the master, every ten seconds at the latest.
    await until(
      async () => String(await replica.command('INFO', 'clients')).match(/connected_clients:([2-9]|\d\d)/) !== null,
      'known',
      20_000,
    )
    await master.kill9()
    await until(
      () =>
        store.get('cursor').then(
          (found) => found?.version === 1,
          () => false,
        ),
      'the new master',
      20_000,
    )
    await until(
      () =>
        store.put('cursor', bytes('8'), 1, lease).then(
          (version) => version === 2,
          () => false,
        ),
      'a put under the lease of before',
    )
    expect(await replica.command('HGET', '{ha}:value:cursor', 'd')).toBe('8')
    // A sentinel may cut the connections of the new master once more while it makes it one.
    await until(
      () =>
        (lease?.renew() ?? Promise.resolve(false)).then(
          (held) => held,
          () => false,
        ),
      'the lease is still held',
    )
    expect(logger.lines.map(({ message }) => message)).toContain('state: Redis is back')
  } finally {
    await store.close()
    await sentinel.stop()
  }
}, 60_000)
