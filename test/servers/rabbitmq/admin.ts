import type { GetMessage, Options } from 'amqplib'
import { waitUntil } from '../../processes/wait-until.ts'
import { urlOf, type RabbitmqAddresses, type RabbitmqUser, type UrlOptions } from './addresses.ts'
import { publishConfirmed, withChannel } from './client.ts'
import { binary, evaluate } from './erlang.ts'
import { apiPath, createManagement, listConnections, type ListedConnection, type ManagementCall } from './management.ts'

export interface TestQueueOptions {
  /** @default 'quorum' */
  readonly type?: 'classic' | 'quorum' | 'stream'
  /** Beside the type, e.g. `{ 'x-delivery-limit': 10 }`. */
  readonly arguments?: Readonly<Record<string, unknown>>
  /** @default '/' */
  readonly vhost?: string
}

/** Messages of a queue, as they are now. */
export interface QueueDepth {
  readonly ready: number
  readonly unacked: number
}

/** Regular expressions; an empty one allows nothing. */
export interface Permissions {
  readonly configure: string
  readonly write: string
  readonly read: string
}

/** What anybody may do with a broker, on names that are their own. All of it as the administrator. */
export interface RabbitmqAdmin {
  url(options?: UrlOptions): string
  declareQueue(queue: string, options?: TestQueueOptions): Promise<void>
  deleteQueue(queue: string, vhost?: string): Promise<void>
  declareExchange(exchange: string, type: 'direct' | 'fanout' | 'headers' | 'topic', vhost?: string): Promise<void>
  bind(queue: string, exchange: string, routingKey: string, vhost?: string): Promise<void>
  /** To the default exchange, persistent; resolves when they are confirmed. */
  publish(queue: string, bodies: readonly (string | Uint8Array)[], options?: Options.Publish): Promise<void>
  /** Removes up to so many messages and gives them, with all their properties. */
  take(queue: string, count: number, vhost?: string): Promise<readonly GetMessage[]>
  /** Looks at all messages that are ready and puts them back: the broker counts that as a delivery of each. */
  peek(queue: string, vhost?: string): Promise<readonly GetMessage[]>
  /** Asked of the queue itself, so never late. `undefined`: there is no such queue. */
  depth(queue: string, vhost?: string): Promise<QueueDepth | undefined>
  /** Waits for a depth. */
  awaitDepth(queue: string, wanted: Partial<QueueDepth>, timeoutMs?: number): Promise<void>
  purge(queue: string, vhost?: string): Promise<void>
  /**
   * Writes the registers of the quorum queues to disk. They are written every three minutes: a queue that is younger comes back from kill -9
   * without a process, and each `basic.consume` on it ends the connection with 541 (rabbitmq.md 2.3). Call it before `kill9`, or leave it.
   */
  settle(): Promise<void>
  /** A virtual host in which the administrator may do everything, and nobody else anything. */
  addVhost(vhost: string): Promise<void>
  deleteVhost(vhost: string): Promise<void>
  /** Without rights. */
  addUser(user: RabbitmqUser): Promise<void>
  setPermissions(username: string, permissions: Permissions, vhost?: string): Promise<void>
  /** The user may not even come in. Connections that stand are not ended. */
  clearPermissions(username: string, vhost?: string): Promise<void>
  /** Connections that stand are not ended. */
  changePassword(username: string, password: string): Promise<void>
  /** As the management API knows them: a second late and more. */
  connections(): Promise<readonly ListedConnection[]>
  /** Forces all connections whose client name fits to end (320 CONNECTION_FORCED); gives how many. */
  closeConnections(pattern: RegExp): Promise<number>
  /** The management API, as the administrator. */
  readonly management: ManagementCall
  /** Runs Erlang in the broker. */
  evaluate(code: string): Promise<string>
}

const depthCode = (queue: string, vhost: string): string => `
  case rabbit_amqqueue:lookup(rabbit_misc:r(${binary(vhost)}, queue, ${binary(queue)})) of
    {ok, Q} ->
      case amqqueue:get_type(Q) of
        rabbit_quorum_queue ->
          Ask = fun (S) -> {rabbit_fifo:query_messages_ready(S), rabbit_fifo:query_messages_checked_out(S)} end,
          case ra:consistent_query(amqqueue:get_pid(Q), Ask) of {ok, Depth, _} -> Depth; _ -> down end;
        _ ->
          I = rabbit_amqqueue:info(Q, [messages_ready, messages_unacknowledged]),
          {proplists:get_value(messages_ready, I), proplists:get_value(messages_unacknowledged, I)}
      end;
    _ -> none
  end`

const depthOf = async (addresses: RabbitmqAddresses, queue: string, vhost: string): Promise<QueueDepth | undefined> => {
  const answer = await evaluate(addresses.node, depthCode(queue, vhost))
  if (answer === 'down') throw new Error(`the queue ${queue} has no process`)
  const [, ready, unacked] = /^\{(\d+),\s*(\d+)\}$/.exec(answer) ?? []
  if (answer === 'none') return undefined
  if (ready === undefined) throw new Error(`the depth of ${queue}: ${answer}`)
  return { ready: Number(ready), unacked: Number(unacked) }
}

/**
 * The list of the management API is seconds late; this one is not. What happens is the same. Connections that have not said who they are yet
 * are passed over, and those that end meanwhile do not count.
 */
const closeCode = (pattern: RegExp): string => `
  NameOf = fun (Properties) -> case lists:keyfind(<<"connection_name">>, 1, Properties) of {_, _, Name} -> Name; _ -> <<>> end end,
  Pids = [Pid || [{pid, Pid}, {client_properties, Properties}] <- rabbit_networking:connection_info_all([pid, client_properties]),
    is_list(Properties), re:run(NameOf(Properties), ${binary(pattern.source)}) =/= nomatch],
  length([Pid || Pid <- Pids, (catch rabbit_networking:close_connection(Pid, "closed by a test")) =:= ok])`

/** Gets messages; those that are not acknowledged go back when the channel closes. */
const getFrom = (url: string, queue: string, count: number, isTaken: boolean): Promise<readonly GetMessage[]> =>
  withChannel(url, async (channel) => {
    const found: GetMessage[] = []
    while (found.length < count) {
      const message = await channel.get(queue)
      if (message === false) break
      if (isTaken) channel.ack(message)
      found.push(message)
    }
    return found
  })

/** The operations over a broker, from any process. */
export const createAdmin = (addresses: RabbitmqAddresses): RabbitmqAdmin => {
  const { admin } = addresses.credentials
  const management = createManagement(addresses.managementUrl, admin)
  const url = (options?: UrlOptions): string => urlOf(addresses, options)
  const call = async (method: string, path: string, body?: unknown): Promise<void> => void (await management(method, path, body))
  const inVhost = <T>(vhost: string | undefined, use: Parameters<typeof withChannel<T>>[1]): Promise<T> =>
    withChannel(url(vhost === undefined ? {} : { vhost }), use)
  const setPermissions: RabbitmqAdmin['setPermissions'] = (username, permissions, vhost = '/') =>
    call('PUT', apiPath('permissions', vhost, username), permissions)
  const depth: RabbitmqAdmin['depth'] = (queue, vhost = '/') => depthOf(addresses, queue, vhost)
  return {
    url,
    management,
    evaluate: (code) => evaluate(addresses.node, code),
    declareQueue: (queue, { type = 'quorum', arguments: args = {}, vhost } = {}) =>
      inVhost(vhost, async (channel) => {
        await channel.assertQueue(queue, { durable: true, arguments: { ...args, 'x-queue-type': type } })
      }),
    deleteQueue: (queue, vhost) => inVhost(vhost, async (channel) => void (await channel.deleteQueue(queue))),
    declareExchange: (exchange, type, vhost) =>
      inVhost(vhost, async (channel) => void (await channel.assertExchange(exchange, type, { durable: true }))),
    bind: (queue, exchange, routingKey, vhost) =>
      inVhost(vhost, async (channel) => void (await channel.bindQueue(queue, exchange, routingKey))),
    publish: (queue, bodies, options) =>
      withChannel(url(), async (channel) => {
        await Promise.all(bodies.map((body) => publishConfirmed(channel, { exchange: '', routingKey: queue }, body, options)))
      }),
    take: (queue, count, vhost) => getFrom(url(vhost === undefined ? {} : { vhost }), queue, count, true),
    peek: (queue, vhost) => getFrom(url(vhost === undefined ? {} : { vhost }), queue, Infinity, false),
    depth,
    awaitDepth: async (queue, wanted, timeoutMs = 30_000) => {
      let last: QueueDepth | undefined
      const fits = async (): Promise<boolean> => {
        // A queue that is coming back has no process for a moment.
        last = await depth(queue).catch(() => undefined)
        return last !== undefined && last.ready === (wanted.ready ?? last.ready) && last.unacked === (wanted.unacked ?? last.unacked)
      }
      const what = (): string => `${queue} to hold ${JSON.stringify(wanted)}; it holds ${JSON.stringify(last)}`
      await waitUntil(fits, { timeoutMs, everyMs: 100, what })
    },
    purge: (queue, vhost) => inVhost(vhost, async (channel) => void (await channel.purgeQueue(queue))),
    settle: async () => void (await evaluate(addresses.node, '[ok = dets:sync(Table) || Table <- dets:all()]')),
    addVhost: async (vhost) => {
      await call('PUT', apiPath('vhosts', vhost), {})
      await setPermissions(admin.username, { configure: '.*', write: '.*', read: '.*' }, vhost)
    },
    deleteVhost: (vhost) => call('DELETE', apiPath('vhosts', vhost)),
    addUser: ({ username, password }) => call('PUT', apiPath('users', username), { password, tags: '' }),
    setPermissions,
    clearPermissions: (username, vhost = '/') => call('DELETE', apiPath('permissions', vhost, username)),
    changePassword: (username, password) => call('PUT', apiPath('users', username), { password, tags: '' }),
    connections: () => listConnections(management),
    closeConnections: async (pattern) => Number(await evaluate(addresses.node, closeCode(pattern))),
  }
}
