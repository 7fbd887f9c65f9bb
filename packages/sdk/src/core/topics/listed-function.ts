/** One item of the gateway's function list, decoded from hostile JSON but not yet checked by the allow-list. */
export interface ListedFunction {
  readonly name: string
  /** As the gateway said, or the namespace that was asked for; absent on gateways without namespaces. */
  readonly namespace?: string
  readonly annotations: ReadonlyMap<string, string>
  readonly image?: string
  readonly createdAt?: string
}
