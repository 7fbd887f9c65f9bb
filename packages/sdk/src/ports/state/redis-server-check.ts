/** What `INFO` says of a server, in view of what the state needs. */
export interface ServerCheck {
  /** Why it cannot be used, now or at all. */
  readonly refusal?: string
  /** A sentence each: it can be used, but state may be lost. */
  readonly warnings: readonly string[]
}

const fieldsOf = (info: string): ReadonlyMap<string, string> =>
  new Map(
    info
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => !line.startsWith('#') && line.includes(':'))
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
  )

/** Fields that a server leaves out are taken for good: managed services hide some. */
export const checkServer = (info: string): ServerCheck => {
  const fields = fieldsOf(info)
  const refuse = (refusal: string): ServerCheck => ({ refusal, warnings: [] })
  if (fields.get('redis_mode') === 'cluster') return refuse('it is a node of a Redis Cluster; a single server or Sentinel is needed')
  if (fields.get('loading') === '1' || fields.get('async_loading') === '1') return refuse('it is loading its data')
  if (fields.get('role') === 'slave') return refuse('it is a replica, which cannot be written')
  const warnings: string[] = []
  const policy = fields.get('maxmemory_policy')
  if (policy !== undefined && policy !== 'noeviction' && fields.get('maxmemory') !== '0')
    warnings.push(`Redis evicts keys when its memory is full (maxmemory-policy ${policy}), cursors and marks too; set it to noeviction`)
  if (fields.get('aof_enabled') === '0')
    warnings.push('Redis does not write each change to disk (appendonly no): what it was told since the last save is lost when it crashes')
  return { warnings }
}
