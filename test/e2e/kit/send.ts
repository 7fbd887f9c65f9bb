import { type Agent, request } from 'node:http'

/** A whole answer. */
export interface Answer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly text: string
  json(): Record<string, unknown>
}

export interface SendOptions {
  readonly method?: string
  /** Name and value in turn: names may repeat and keep their case. */
  readonly rawHeaders?: readonly string[]
  readonly agent?: Agent
  readonly timeoutMs?: number
}

/** One request and its whole answer. Rejects when there is none. */
export const send = (url: string, body: string | Uint8Array | undefined, options: SendOptions = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { method = body === undefined ? 'GET' : 'POST', rawHeaders = [], agent = false, timeoutMs = 15_000 } = options
    const at = new URL(url)
    const framing = body === undefined ? [] : ['Content-Length', String(Buffer.byteLength(body))]
    // Headers as a list: node sends it as it stands.
    const headers = ['Host', at.host, ...framing, ...rawHeaders]
    const signal = AbortSignal.timeout(timeoutMs)
    const out = request(at, { method, agent, headers, signal }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          json: () => JSON.parse(text) as Record<string, unknown>,
        })
      })
    })
    out.on('error', reject)
    out.end(body)
  })
