import { createHash } from 'node:crypto'
import type { CoreConfig } from '@millrace/sdk'
import type { TopologyConfig } from './topology-settings.ts'
import { sharedQueue } from '../topology/names.ts'

/** What the connector watches, as the core settings say. */
export type Watched = Pick<CoreConfig, 'namespacesAllow' | 'namespacesDeny'>

const plain = 'millrace'

/**
 * Whose bindings the connector may take away again. Two connectors at one broker and state store that serve different namespaces, or
 * different exchanges for several functions, would each take the other's queues for left over and unbind them: where nobody names an
 * owner, what they are told apart by is part of it. The same for all replicas of one connector.
 */
export const ownerOf = (
  config: Pick<TopologyConfig, 'owner' | 'mode' | 'exchange' | 'exchangeQueue' | 'templum'>,
  watched?: Watched,
): string => {
  const { owner, mode, exchange, exchangeQueue, templum } = config
  if (owner !== undefined) return owner
  const allow = watched?.namespacesAllow ?? []
  const deny = watched?.namespacesDeny ?? []
  const shared = mode === 'exchange' && exchange !== undefined ? [exchangeQueue ?? sharedQueue(exchange)] : []
  const parts = [allow, deny, shared, (templum?.exchanges ?? []).map(({ name }) => name)].map((names) => names.toSorted())
  if (parts.every((names) => names.length === 0)) return plain
  return `${plain}-${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)}`
}
