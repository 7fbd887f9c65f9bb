import { createHash } from 'node:crypto'

/** A Lua script with the digest that Redis knows it by. Each runs alone: nothing comes between its steps. */
export interface RedisScript {
  readonly lua: string
  readonly sha: string
}

const script = (lua: string): RedisScript => ({ lua, sha: createHash('sha1').update(lua).digest('hex') })

/**
 * Puts in their order, each a compare-and-set of its own.
 *
 * KEYS per put: value, lease. ARGV per put: expected version or `absent`, bytes, milliseconds to live or 0, token of the lease or empty.
 * Answers the new version of each, 0 when it was refused.
 */
export const putScript: RedisScript = script(`
local versions = {}
for i = 1, #KEYS / 2 do
  local key, lease, a = KEYS[2 * i - 1], KEYS[2 * i], 4 * i - 3
  local current = redis.call('HGET', key, 'v')
  local refused = (current or 'absent') ~= ARGV[a]
  if not refused and ARGV[a + 3] ~= '' then refused = redis.call('GET', lease) ~= ARGV[a + 3] end
  if refused then
    versions[i] = 0
  else
    local version = current and current + 1 or 1
    redis.call('HSET', key, 'v', string.format('%.0f', version), 'd', ARGV[a + 1])
    if ARGV[a + 2] == '0' then redis.call('PERSIST', key) else redis.call('PEXPIRE', key, ARGV[a + 2]) end
    versions[i] = version
  end
end
return versions
`)

/** KEYS: value. ARGV: expected version. Answers 1 or 0. */
export const deleteScript: RedisScript = script(`
if redis.call('HGET', KEYS[1], 'v') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`)

/**
 * Grants a lease. The fence is the server's time in microseconds unless the last one was later: it grows even when Redis has lost what it knew.
 *
 * KEYS: lease, fence. ARGV: token, milliseconds. Answers the fence, 0 when somebody holds the lease.
 */
export const leaseScript: RedisScript = script(`
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local fence = math.max((redis.call('GET', KEYS[2]) or 0) + 1, now)
redis.call('SET', KEYS[2], string.format('%.0f', fence), 'PX', 2592000000)
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return fence
`)

/** KEYS: lease. ARGV: token, milliseconds. Answers 1, or 0 when it is not held under this token. */
export const renewScript: RedisScript = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`)

/** KEYS: lease. ARGV: token. Answers 1 or 0. */
export const releaseScript: RedisScript = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`)

/** All of them, to be loaded with each connection. */
export const redisScripts: readonly RedisScript[] = [putScript, deleteScript, leaseScript, renewScript, releaseScript]
