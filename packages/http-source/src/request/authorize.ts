import type { IncomingHttpHeaders } from 'node:http'
import type { Secret } from '@millrace/sdk'
import { Problem } from '../problem.ts'

/** RFC 6750 section 2.1. */
const bearer = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i

const challenge = (error: string): Readonly<Record<string, string>> => ({ 'www-authenticate': `Bearer realm="millrace"${error}` })

/**
 * Lets a request pass that has one of the tokens. Without tokens everybody may publish, except the web pages that a browser on this
 * machine or network shows: a page cannot add a token, but it can POST to any address.
 *
 * @param tokens read anew for each request, so that rotation needs no restart; an empty list lets nobody in
 * @throws Problem `unauthorized`, `browser-origin`
 */
export const authorize = async (headers: IncomingHttpHeaders, tokens: (() => Promise<readonly Secret[]>) | undefined): Promise<void> => {
  if (tokens === undefined) {
    if (headers.origin === undefined) return
    throw new Problem('browser-origin', {
      detail: 'The request has an Origin header, so it comes from a web page.',
      fix: 'Publish from a program, or set a token (events_token) and send it from the page.',
    })
  }
  const given = bearer.exec(headers.authorization ?? '')?.[1]
  if (given === undefined) {
    throw new Problem('unauthorized', { detail: 'There is no bearer token.', fix: 'Send Authorization: Bearer TOKEN.' }, challenge(''))
  }
  let known = false
  // All of them, so that the time does not tell which one it was.
  for (const token of await tokens()) known = token.equals(given) || known
  if (known) return
  const error = ', error="invalid_token"'
  throw new Problem('unauthorized', { detail: 'The token is not known.', fix: 'Use the token of events_token.' }, challenge(error))
}
