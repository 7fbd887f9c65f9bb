/** What the host tells a worker at its start. */
export interface WorkerStart {
  /** Absolute path of the file that exports the handler. */
  readonly file: string
  /** The handler's folder: `.js` files in it without a package.json of their own are CommonJS or ESM by what they contain. */
  readonly folder: string
}

/** A call on its way to the worker. */
export interface WorkerCall {
  readonly type: 'call'
  readonly id: number
  readonly method: string
  /** Starts with a slash. */
  readonly path: string
  readonly query: string
  /** Names and values in turn. */
  readonly headers: readonly string[]
  readonly body: Uint8Array
}

/** Is the worker's event loop alive? */
export interface WorkerPing {
  readonly type: 'ping'
}

export type ToWorker = WorkerCall | WorkerPing

/** What the handler answered. */
export interface WorkerReply {
  readonly type: 'reply'
  readonly id: number
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string | Uint8Array
  /** The handler threw: OpenFaaS' own template would have answered 200 with the error's text. */
  readonly threw?: boolean
}

export type FromWorker =
  | WorkerReply
  | { readonly type: 'pong' }
  | { readonly type: 'ready' }
  /** The handler cannot be loaded. */
  | { readonly type: 'failed'; readonly reason: string }
