import { describe, expect, test } from 'vitest'
import { checkServer } from '../../../src/ports/state/redis-server-check.ts'
import { redisTarget, refuseRedisUrl } from '../../../src/ports/state/redis-target.ts'

describe('where Redis is', () => {
  test.each([
    ['redis://redis', { host: 'redis', port: 6379 }, false, 0],
    ['redis://redis:7000/', { host: 'redis', port: 7000 }, false, 0],
    ['rediss://10.0.0.1:6380/15', { host: '10.0.0.1', port: 6380 }, true, 15],
    ['redis://[::1]:6379/2', { host: '::1', port: 6379 }, false, 2],
  ])('%s', (url, at, tls, db) => {
    expect(refuseRedisUrl(url)).toBeUndefined()
    expect(redisTarget(url)).toMatchObject({ at, tls, db })
    expect(redisTarget(url)).not.toHaveProperty('sentinel')
  })

  test('with sentinels the host is the name of the master', () => {
    expect(redisTarget('rediss://mymaster/1', ['s1', 's2:7000'])).toMatchObject({
      tls: true,
      db: 1,
      sentinel: {
        name: 'mymaster',
        hosts: [
          { host: 's1', port: 26_379 },
          { host: 's2', port: 7000 },
        ],
      },
    })
  })

  test.each([
    ['redis', 'it is not a URL'],
    ['http://redis', 'scheme'],
    ['redis://user:hunter2@redis', 'state_password'],
    ['redis://:hunter2@redis', 'state_password'],
    ['redis://redis/zero', 'number of a database'],
    ['redis://redis/1/2', 'number of a database'],
    ['redis://redis?db=1', 'query'],
    ['redis:///1', 'it has no host'],
  ])('%s is refused, and never quoted', (url, reason) => {
    expect(refuseRedisUrl(url)).toContain(reason)
    expect(() => redisTarget(url)).toThrow(expect.objectContaining({ code: 'E_STATE_IO' }) as Error)
    expect(refuseRedisUrl(url)).not.toContain('hunter2')
  })
})

describe('what INFO says of a server', () => {
  const good = 'redis_mode:standalone\r\nrole:master\r\nloading:0\r\nmaxmemory:1000\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n'

  test('a good one, and one that says nothing', () => {
    expect(checkServer(`# Server\r\n${good}`)).toEqual({ warnings: [] })
    expect(checkServer('')).toEqual({ warnings: [] })
  })

  test.each([
    ['redis_mode:cluster', 'Cluster'],
    ['loading:1', 'loading'],
    ['role:slave', 'replica'],
  ])('%s cannot be used', (line, refusal) => {
    expect(checkServer(`${good}${line}\r\n`).refusal).toContain(refusal)
  })

  test('eviction counts where there is a limit of memory', () => {
    const evicts = good.replace('noeviction', 'volatile-lru')
    expect(checkServer(evicts).warnings).toEqual([expect.stringContaining('volatile-lru')])
    expect(checkServer(evicts.replace('maxmemory:1000', 'maxmemory:0')).warnings).toEqual([])
    expect(checkServer(good.replace('aof_enabled:1', 'aof_enabled:0')).warnings).toEqual([expect.stringContaining('appendonly')])
  })
})
