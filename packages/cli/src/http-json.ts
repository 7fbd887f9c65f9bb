import { describeError, MillraceError } from '@millrace/sdk'

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
const readText = async (response: Response): Promise<string> => {
  const chunks: Uint8Array[] = []
  let length = 0
  const body: AsyncIterable<Uint8Array> | undefined = response.body ?? undefined
  for await (const chunk of body ?? []) {
    length += chunk.length
    if (length > maxAnswer) throw new Error('the answer is longer than 8 MiB')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** `fetch failed` says nothing; its cause does. */
const reasonOf = (error: unknown): string =>
  describeError(error instanceof Error && error.cause instanceof Error ? error.cause : error, 200)

/**
 * One request of a command. Redirects are not followed.
 *
 * @throws MillraceError `E_CLI_UNREACHABLE`
 */
export const ask = async ({ url, method = 'GET', headers = {}, body, timeoutMs, advice }: HttpQuestion): Promise<HttpAnswer> => {
  try {
    const response = await fetch(url, {
      method,
      headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
      ...(body !== undefined && { body: Uint8Array.from(body) }),
    })
    return { status: response.status, text: await readText(response) }
  } catch (error) {
    throw new MillraceError('E_CLI_UNREACHABLE', { url: `${url.origin}${url.pathname}`, reason: reasonOf(error), advice }, error)
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
