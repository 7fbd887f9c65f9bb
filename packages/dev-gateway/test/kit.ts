import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach } from 'vitest'
import { startDevGateway, type DevGateway, type DevGatewayEvent, type DevGatewayEvents, type DevGatewayOptions } from '../src/index.ts'

const undo: (() => unknown)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

/** Runs after the test, the last one first. */
export const later = (step: () => unknown): void => void undo.push(step)

/** A folder with these files; gone after the test. */
export const folderOf = (files: Readonly<Record<string, string>>): { path: string; write: (file: string, text: string) => void } => {
  const path = mkdtempSync(join(tmpdir(), 'millrace-dev-gateway-'))
  later(() => rmSync(path, { recursive: true, force: true }))
  const write = (file: string, text: string): void => {
    mkdirSync(dirname(join(path, file)), { recursive: true })
    writeFileSync(join(path, file), text)
  }
  for (const [file, text] of Object.entries(files)) write(file, text)
  return { path, write }
}

export const provider = 'version: 1.0\nprovider: { name: openfaas, gateway: "http://127.0.0.1:8080" }\n'

/** A gateway that ends with the test. */
export const started = async (options: DevGatewayOptions): Promise<DevGateway> => {
  const gateway = await startDevGateway({ watch: false, ...options })
  later(() => gateway.close())
  return gateway
}

/** A stack of handlers: name to the handler's text, with more of the stack entry after `---`. */
export const gatewayOf = async (
  handlers: Readonly<Record<string, string | { code: string; more: string }>>,
  options: Partial<DevGatewayOptions> = {},
): Promise<DevGateway & { write: (file: string, text: string) => void; path: string }> => {
  const entries = Object.entries(handlers).map(
    ([name, given]) => `  ${name}: { handler: ./${name}${typeof given === 'string' ? '' : `, ${given.more}`} }\n`,
  )
  const files = Object.entries(handlers).map(([name, given]) => [`${name}/handler.js`, typeof given === 'string' ? given : given.code])
  const folder = folderOf({ 'stack.yaml': `${provider}functions:\n${entries.join('')}`, ...Object.fromEntries(files) })
  const gateway = await started({ stack: join(folder.path, 'stack.yaml'), ...options })
  return Object.assign(gateway, folder)
}

/** The next event of a kind that fits. */
export const nextEvent = <E extends DevGatewayEvent>(
  gateway: DevGateway,
  event: E,
  fits: (payload: DevGatewayEvents[E]) => boolean = () => true,
): Promise<DevGatewayEvents[E]> =>
  new Promise((resolve) => {
    const stop = gateway.events.on(event, (payload) => {
      if (!fits(payload)) return
      stop()
      resolve(payload)
    })
  })

/** Status, body and headers of a call, by fetch. */
export const call = async (
  gateway: DevGateway,
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; body: string; headers: Headers }> => {
  const response = await fetch(gateway.url + path, { method: 'POST', ...init })
  return { status: response.status, body: await response.text(), headers: response.headers }
}

/** Bytes of an answer as they come, until the server closes. */
export const raw = (port: number, lines: readonly string[], body = ''): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(`${lines.join('\r\n')}\r\nHost: gw\r\nConnection: close\r\n\r\n${body}`))
    later(() => socket.destroy())
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      text += chunk
    })
    socket.on('end', () => resolve(text))
    socket.on('error', reject)
  })
