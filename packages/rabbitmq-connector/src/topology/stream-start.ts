/** Where a stream begins that has no checkpoint. `timestamp` in epoch milliseconds; `interval` as RabbitMQ has it, e.g. `1h`, `7D`. */
export type StreamStart =
  | 'first'
  | 'last'
  | 'next'
  | { readonly offset: number }
  | { readonly timestamp: number }
  | { readonly interval: string }
