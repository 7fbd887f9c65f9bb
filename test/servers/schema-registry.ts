import { createHash } from 'node:crypto'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'

export interface RegisteredSchema {
  readonly schema: string
  /** @default 'AVRO' */
  readonly schemaType?: 'AVRO' | 'JSON' | 'PROTOBUF'
  readonly references?: readonly { readonly name: string; readonly subject: string; readonly version: number }[]
}

export type RegistryFault =
  | { readonly kind: 'status'; readonly status: number; readonly body?: string }
  /** The connection ends without an answer. */
  | { readonly kind: 'drop' }
  /** No answer at all. */
  | { readonly kind: 'silence' }
  | { readonly kind: 'body'; readonly body: string }

export interface SchemaRegistry extends AsyncDisposable {
  readonly url: string
  /** What was asked, oldest first: `/schemas/ids/1`. */
  readonly requests: readonly string[]
  register(subject: string, schema: RegisteredSchema): { readonly id: number; readonly guid: string; readonly version: number }
  /** Of the next requests, or of all until `undefined` is set. */
  fault: RegistryFault | undefined
  close(): Promise<void>
}

export interface SchemaRegistryOptions {
  /** `user:password` that every request must have. */
  readonly credentials?: string
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string; readonly requestCert?: boolean }
}

/** RFC 4122 form of a hash over the schema, as registries derive it: the same schema has the same one. */
const guidOf = (schema: RegisteredSchema): string => {
  const hex = createHash('md5').update(JSON.stringify(schema)).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/**
 * A server with the part of the Confluent Schema Registry's API that readers use: no registry can be installed where these tests run.
 * `/schemas/ids/{id}`, `/schemas/guids/{guid}`, `/subjects/{subject}/versions/{version}`, with their error codes.
 */
export const startSchemaRegistry = async (options: SchemaRegistryOptions = {}): Promise<SchemaRegistry> => {
  const schemas: { schema: RegisteredSchema; guid: string }[] = []
  const subjects = new Map<string, number[]>()
  const requests: string[] = []
  const state: { fault: RegistryFault | undefined } = { fault: undefined }

  const send = (response: ServerResponse, status: number, body: string): void => {
    response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' }).end(body)
  }
  const find = (path: string): { readonly id: number } | { readonly code: number } => {
    const [, first, second, third, , version] = path.split('/')
    if (first === 'schemas' && second === 'ids') return schemas[Number(third) - 1] === undefined ? { code: 40403 } : { id: Number(third) }
    const byGuid = schemas.findIndex(({ guid }) => guid === third)
    if (first === 'schemas') return byGuid < 0 ? { code: 40403 } : { id: byGuid + 1 }
    const versions = subjects.get(decodeURIComponent(second ?? ''))
    const id = path.split('/')[3] === 'versions' ? versions?.[Number(path.split('/')[4] ?? version) - 1] : undefined
    return id === undefined ? { code: versions === undefined ? 40401 : 40402 } : { id }
  }
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    requests.push(request.url ?? '')
    const { fault } = state
    if (fault?.kind === 'drop') return void request.socket.destroy()
    if (fault?.kind === 'silence') return
    if (fault !== undefined) return send(response, fault.kind === 'status' ? fault.status : 200, fault.body ?? '')
    const wanted = options.credentials && `Basic ${Buffer.from(options.credentials).toString('base64')}`
    if (wanted !== undefined && request.headers.authorization !== wanted)
      return send(response, 401, '{"error_code":401,"message":"Unauthorized"}')
    const found = find(request.url ?? '')
    if ('code' in found) return send(response, 404, JSON.stringify({ error_code: found.code, message: 'not found' }))
    send(response, 200, JSON.stringify({ ...schemas[found.id - 1]?.schema, id: found.id, guid: schemas[found.id - 1]?.guid }))
  }
  const server = options.tls === undefined ? createHttpServer(handle) : createHttpsServer(options.tls, handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    requests,
    get fault() {
      return state.fault
    },
    set fault(fault) {
      state.fault = fault
    },
    register(subject, schema) {
      const guid = guidOf(schema)
      const id = schemas.push({ schema, guid })
      const versions = [...(subjects.get(subject) ?? []), id]
      subjects.set(subject, versions)
      return { id, guid, version: versions.length }
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
