import { connect } from 'node:net'

export type RedisReply = string | number | null | readonly RedisReply[]

type Parsed = { readonly value: RedisReply | Error; readonly next: number } | undefined

const line = (text: string, at: number): { readonly rest: string; readonly next: number } | undefined => {
  const end = text.indexOf('\r\n', at)
  return end < 0 ? undefined : { rest: text.slice(at + 1, end), next: end + 2 }
}

const parseArray = (text: string, count: number, start: number): Parsed => {
  const values: RedisReply[] = []
  let next = start
  for (let index = 0; index < count; index++) {
    const item = parse(text, next)
    if (item === undefined) return undefined
    values.push(item.value instanceof Error ? item.value.message : item.value)
    next = item.next
  }
  return { value: values, next }
}

/** RESP2 (redis.io/docs/latest/develop/reference/protocol-spec). Text in latin1, so that lengths are bytes. */
const parse = (text: string, at: number): Parsed => {
  const head = line(text, at)
  if (head === undefined) return undefined
  const { rest, next } = head
  const number = Number(rest)
  switch (text[at]) {
    case '+':
      return { value: rest, next }
    case '-':
      return { value: new Error(rest), next }
    case ':':
      return { value: number, next }
    case '$':
      if (number < 0) return { value: null, next }
      return text.length < next + number + 2 ? undefined : { value: text.slice(next, next + number), next: next + number + 2 }
    case '*':
      return number < 0 ? { value: null, next } : parseArray(text, number, next)
    default:
      return { value: new Error(`not a reply: ${text.slice(at, at + 20)}`), next: text.length }
  }
}

const encode = (words: readonly string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`

/** One command on a connection of its own, so that the test bed needs no client; rejects with what Redis says, and after 5 s. */
export const redisCommand = (port: number, password: string | undefined, words: readonly string[]): Promise<RedisReply> =>
  new Promise((resolve, reject) => {
    const login = password === undefined ? [] : [['AUTH', password]]
    const commands = [...login, words]
    const socket = connect(port, '127.0.0.1', () => socket.write(commands.map((each) => encode(each)).join('')))
    let received = ''
    const finish = (settle: () => void): void => {
      socket.destroy()
      settle()
    }
    socket.setEncoding('latin1')
    socket.setTimeout(5000, () => finish(() => reject(new Error('Redis does not answer'))))
    socket.on('error', (error) => finish(() => reject(error)))
    socket.on('close', () => reject(new Error('Redis closed the connection')))
    socket.on('data', (chunk: string) => {
      received += chunk
      let next = 0
      let last: Parsed
      for (let index = 0; index < commands.length; index++) {
        last = parse(received, next)
        if (last === undefined) return
        if (last.value instanceof Error) break
        next = last.next
      }
      const value = last?.value ?? null
      finish(() => (value instanceof Error ? reject(value) : resolve(value)))
    })
  })
