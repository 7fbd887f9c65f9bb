import { connect } from 'node:net'

/** Sends these bytes as they are and reads until the other side closes, or says no more for `quietMs`. Gives the status, 0 without an answer. */
export const sendRaw = async (url: string, bytes: string | Uint8Array, quietMs = 2000): Promise<{ status: number; text: string }> => {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let text = ''
  socket.setTimeout(quietMs, () => socket.destroy())
  // A refusal may come while the rest is still being written.
  socket.on('error', () => undefined)
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  socket.write(bytes)
  await new Promise((resolve) => socket.once('close', resolve))
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text }
}

/** A POST with exactly these header lines, and `Connection: close`. */
export const rawPost = (url: string, topic: string, lines: readonly string[], body = ''): Buffer => {
  const at = new URL(url)
  const head = [`POST ${at.pathname}${topic} HTTP/1.1`, `Host: ${at.host}`, 'Connection: close', ...lines]
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`, 'latin1')
}
