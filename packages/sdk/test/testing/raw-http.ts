import { connect } from 'node:net'

/** Sends bytes and gives everything that comes back until the other side closes, a wanted text has come, or time is up. */
export const rawExchange = (
  port: number,
  send: string,
  options: { until?: string | RegExp; timeoutMs?: number } = {},
): Promise<{ text: string; end: 'closed' | 'reset' | 'until' | 'timeout' }> =>
  new Promise((resolve) => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(send, 'latin1'))
    const finish = (end: 'closed' | 'reset' | 'until' | 'timeout'): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ text, end })
    }
    const timer = setTimeout(() => finish('timeout'), options.timeoutMs ?? 3000)
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      text += chunk
      const { until } = options
      if (until !== undefined && (typeof until === 'string' ? text.includes(until) : until.test(text))) finish('until')
    })
    socket.on('end', () => finish('closed'))
    socket.on('error', () => finish('reset'))
  })

/** A whole answer of a request that asks the server to close. */
export const rawRequest = async (port: number, start: string, headers: readonly string[] = [], body = ''): Promise<RawAnswer> => {
  const lines = [`${start} HTTP/1.1`, 'Host: gw', 'Connection: close', ...headers]
  if (body !== '') lines.push(`Content-Length: ${Buffer.byteLength(body)}`)
  const { text } = await rawExchange(port, `${lines.join('\r\n')}\r\n\r\n${body}`)
  const split = text.indexOf('\r\n\r\n')
  const [statusLine = '', ...head] = text.slice(0, split).split('\r\n')
  const pairs = head.map((line): [string, string] => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)])
  return {
    status: Number(statusLine.split(' ')[1]),
    headers: pairs,
    names: pairs.map(([name]) => name),
    header: (name) => pairs.find(([key]) => key === name)?.[1],
    body: text.slice(split + 4),
  }
}

/** Names in their case, as sent. */
export interface RawAnswer {
  readonly status: number
  readonly headers: [string, string][]
  readonly names: string[]
  header(name: string): string | undefined
  readonly body: string
}
