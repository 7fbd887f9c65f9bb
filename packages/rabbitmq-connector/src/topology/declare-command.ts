import { printable } from '@millrace/sdk'
import type { FieldTable, FieldValue } from '../transport/message.ts'
import type { ExchangeDeclaration, QueueDeclaration } from './plan.ts'

const shellWord = (text: string): string => `'${printable(text, 300).replaceAll("'", String.raw`'\''`)}'`

const jsonOf = (value: FieldValue): unknown => (value instanceof Map ? tableOf(value) : value)

const tableOf = (table: FieldTable): unknown => Object.fromEntries([...table].map(([name, value]) => [name, jsonOf(value)]))

const admin = (vhost: string): string => `rabbitmqadmin --vhost=${shellWord(vhost)} declare`

/** The command with which somebody else can declare a queue. */
export const queueCommand = (vhost: string, { queue, durable, autoDelete, arguments: args }: QueueDeclaration): string =>
  `${admin(vhost)} queue name=${shellWord(queue)} durable=${durable} auto_delete=${autoDelete} arguments=${shellWord(JSON.stringify(tableOf(args)))}`

/** The command with which somebody else can declare an exchange. */
export const exchangeCommand = (vhost: string, { exchange, type, durable, autoDelete }: ExchangeDeclaration): string =>
  `${admin(vhost)} exchange name=${shellWord(exchange)} type=${type} durable=${durable} auto_delete=${autoDelete}`
