import type { Secret } from '@millrace/sdk'
import { MillraceError } from '@millrace/sdk'

/** The HTTP API of RabbitMQ's management plugin, as far as depths need it. */
export interface ManagementApi {
  /** `undefined`: there is no such queue. @throws MillraceError `E_RABBITMQ_MANAGEMENT` */
  depthOf(queue: string): Promise<{ readonly ready: number; readonly unacked: number } | undefined>
}

export interface ManagementOptions {
  /** Without a slash at its end. */
  readonly url: string
  readonly vhost: string
  /** Read for each request. */
  readonly credentials: () => Promise<{ readonly username: string; readonly password: Secret }>
  readonly timeoutMs: number
}

const maxBytes = 1_048_576

const textOf = async (response: Response): Promise<string> => {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    if (text.length > maxBytes) throw new RangeError('the answer is too long')
  }
  return text
}

const numberIn = (value: unknown, name: string): number | undefined => {
  const found = typeof value === 'object' && value !== null && name in value ? (value as Record<string, unknown>)[name] : undefined
  return typeof found === 'number' && Number.isFinite(found) && found >= 0 ? found : undefined
}

/** @throws TypeError, RangeError or DOMException when nobody answers, or not in time; SyntaxError */
const ask = async (options: ManagementOptions, path: string): Promise<{ readonly status: number; readonly value: unknown }> => {
  const { username, password } = await options.credentials()
  const response = await fetch(`${options.url}${path}`, {
    headers: { authorization: `Basic ${Buffer.from(`${username}:${password.reveal()}`).toString('base64')}` },
    redirect: 'manual',
    signal: AbortSignal.timeout(options.timeoutMs),
  })
  const text = await textOf(response)
  return { status: response.status, value: response.status === 200 ? (JSON.parse(text) as unknown) : undefined }
}

const failed = (options: ManagementOptions, detail: string, cause?: unknown): MillraceError =>
  new MillraceError('E_RABBITMQ_MANAGEMENT', { url: options.url, detail }, cause)

const asked = async (options: ManagementOptions, path: string): Promise<{ readonly status: number; readonly value: unknown }> => {
  try {
    return await ask(options, path)
  } catch (error) {
    const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error
    throw failed(options, inner instanceof Error ? inner.message.slice(0, 200) : 'it does not answer', error)
  }
}

/** Asks over built-in `fetch`: certificates are verified against the system's authorities (or NODE_EXTRA_CA_CERTS), redirects are not followed. */
export const managementApi = (options: ManagementOptions): ManagementApi => ({
  async depthOf(queue) {
    const name = `${encodeURIComponent(options.vhost)}/${encodeURIComponent(queue)}`
    const { status, value } = await asked(options, `/api/queues/${name}?columns=messages_ready,messages_unacknowledged`)
    if (status === 404) return undefined
    if (status !== 200) throw failed(options, `status ${status}`)
    // A queue of the last seconds has no figures yet.
    return { ready: numberIn(value, 'messages_ready') ?? 0, unacked: numberIn(value, 'messages_unacknowledged') ?? 0 }
  },
})
