import { MillraceError } from '@millrace/sdk'
import type { Secret } from '@millrace/sdk'

/** A client of a token endpoint. The secrets are read at each request. */
export interface TokenClient {
  readonly url: string
  readonly clientId: () => Promise<Secret>
  readonly clientSecret: () => Promise<Secret>
  readonly scope?: string
  /** @default 10000 */
  readonly timeoutMs?: number
}

const maxReplyBytes = 65_536
/** RFC 6750 section 2.1. */
const tokenForm = /^[A-Za-z0-9\-._~+/]+=*$/

const failed = (client: TokenClient, reason: string, cause?: unknown): MillraceError =>
  new MillraceError('E_KAFKA_AUTHENTICATION', { brokers: client.url, user: '(of the token endpoint)', reason }, cause)

const readReply = async (response: Response): Promise<string> => {
  let text = ''
  const decoder = new TextDecoder()
  for await (const part of response.body ?? []) {
    text += decoder.decode(part as Uint8Array, { stream: true })
    if (text.length > maxReplyBytes) break
  }
  return text
}

/** RFC 6749 section 2.3.1: both are form-encoded before they are joined. */
const basic = async (client: TokenClient): Promise<string> => {
  const [id, secret] = await Promise.all([client.clientId(), client.clientSecret()])
  return Buffer.from(`${encodeURIComponent(id.reveal())}:${encodeURIComponent(secret.reveal())}`).toString('base64')
}

/**
 * One access token by client credentials (RFC 6749 section 4.4). Redirects are not followed, so that the secret goes nowhere else.
 *
 * @throws MillraceError `E_KAFKA_AUTHENTICATION`; its text never holds the reply
 */
export const fetchToken = async (client: TokenClient): Promise<string> => {
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...(client.scope !== undefined && { scope: client.scope }) })
  let response: Response
  try {
    response = await fetch(client.url, {
      method: 'POST',
      redirect: 'manual',
      headers: { authorization: `Basic ${await basic(client)}`, accept: 'application/json' },
      body,
      signal: AbortSignal.timeout(client.timeoutMs ?? 10_000),
    })
  } catch (error) {
    throw failed(client, 'the token endpoint cannot be reached', error)
  }
  const text = await readReply(response).catch((error: unknown) => {
    throw failed(client, 'the reply of the token endpoint broke off', error)
  })
  if (response.status !== 200) throw failed(client, `the token endpoint answers ${response.status}`)
  const token = accessToken(text)
  if (token === undefined) throw failed(client, 'the reply of the token endpoint holds no bearer token')
  return token
}

const accessToken = (text: string): string | undefined => {
  try {
    const token = (JSON.parse(text) as { access_token?: unknown } | null)?.access_token
    return typeof token === 'string' && tokenForm.test(token) ? token : undefined
  } catch {
    return undefined
  }
}
