import { type IncomingMessage, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { describeError, formatDuration, MillraceError } from '@millrace/sdk'

/** An answer as far as a command needs it. */
export interface HttpAnswer {
  readonly status: number
  readonly text: string
}

/** What to ask. */
export interface HttpQuestion {
  readonly url: URL
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** The whole exchange, milliseconds. */
  readonly timeoutMs: number
  /** What to do when nobody answers there. */
  readonly advice: string
}

const maxAnswer = 8 << 20

/** Reads at most `maxAnswer` bytes: nobody knows who answers at an address. */
const readText = async (response: AsyncIterable<Buffer>): Promise<string> => {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response) {
    length += chunk.length
    if (length > maxAnswer) throw new Error('the answer is longer than 8 MiB')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** `node:http`, since `fetch` refuses some ports, such as 10080, that a person may well have chosen. */
const exchange = async ({ url, method = 'GET', headers = {}, body, timeoutMs }: HttpQuestion): Promise<HttpAnswer> => {
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest
  const request = send(url, { method, headers, agent: false, signal: AbortSignal.timeout(timeoutMs) })
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve)
    request.on('error', reject)
  })
  request.end(body)
  const response = await answered
  try {
    return { status: response.statusCode ?? 0, text: await readText(response as AsyncIterable<Buffer>) }
  } finally {
    request.destroy()
  }
}

/**
 * One request of a command. Redirects are not followed.
 *
 * @throws MillraceError `E_CLI_UNREACHABLE`
 */
export const ask = async (question: HttpQuestion): Promise<HttpAnswer> => {
  try {
    return await exchange(question)
  } catch (error) {
    const { url, advice, timeoutMs } = question
    const isLate = error instanceof Error && error.name === 'AbortError'
    const reason = isLate ? `no answer within ${formatDuration(timeoutMs)}` : describeError(error, 200)
    throw new MillraceError('E_CLI_UNREACHABLE', { url: `${url.origin}${url.pathname}`, reason, advice }, error)
  }
}

/** The text as JSON, or `undefined`. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** A URL of the command line. */
export const httpUrl = (text: string): URL | undefined => {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) ? url : undefined
}
