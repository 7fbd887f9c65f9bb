import { boolean, duration, setting, text } from '@millrace/sdk'
import type { Setting, SettingType } from '@millrace/sdk'
import type { OrderKey } from '../mapping/message-to-event.ts'

/** How messages become events. Times in milliseconds. */
export interface MessageConfig {
  readonly orderKey: OrderKey
  readonly cloudEvents: boolean
  readonly dedupe: boolean
  readonly dedupeTtlMs: number
}

const plain = text({
  maxLength: 262,
  pattern: /^(?:routing-key|header:[^\p{Cc}]{1,255})$/u,
  allowed: 'routing-key, or header:NAME',
})

const orderKey: SettingType<OrderKey> = {
  kind: 'text',
  allowed: plain.allowed,
  parse(raw) {
    const parsed = plain.parse(raw)
    if (!parsed.ok) return parsed
    return { ok: true, value: parsed.value === 'routing-key' ? 'routing-key' : { header: parsed.value.slice('header:'.length) } }
  },
}

/** Settings of single messages. */
export const messageSettings: { readonly [K in keyof MessageConfig]: Setting<MessageConfig[K]> } = {
  orderKey: setting({
    name: 'rabbitmq_order_key',
    type: orderKey,
    default: 'routing-key',
    describe:
      'What keeps messages in order for functions with `com.openfaas.connector.order: key`: the routing key, or a header of the message.',
    example: 'header:customer-id',
  }),
  cloudEvents: setting({
    name: 'rabbitmq_cloudevents',
    type: boolean(),
    default: 'false',
    describe: 'Give functions the headers ce-* of a CloudEvent also for messages that are none. Those that are have them in any case.',
    example: 'true',
  }),
  dedupe: setting({
    name: 'dedupe',
    type: boolean(),
    default: 'false',
    describe:
      'Acknowledge without a call what was finished before, by its message id: marks in the state store (state_dir, state_url). Messages without an id are always delivered. While the store is away everything is delivered.',
    example: 'true',
  }),
  dedupeTtlMs: setting({
    name: 'dedupe_ttl',
    type: duration('1m', '720h'),
    default: '24h',
    describe: 'How long a message id is remembered.',
    example: '48h',
  }),
}
