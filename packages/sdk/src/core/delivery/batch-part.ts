/**
 * What a failed request of a part says: `function` counts against the function, `event` looks for the one event that is to blame, `unknown`
 * is of an event that stands alone while others, which failed with it, are under way and will tell: it uses up no attempt either.
 */
export type Blame = 'function' | 'event' | 'unknown'

/** The request that failed last while the search for what is to blame in one batch went on, if nothing of the batch has succeeded since. */
interface Search {
  last: FailedRequest | undefined
}

/** A request that failed as a whole. Its events go again in parts, so every later request for one of them lies within it. */
class FailedRequest {
  readonly size: number
  readonly within: FailedRequest | undefined
  /** Its events that have not succeeded since. */
  left: number
  /** Requests under way for events of it. */
  underWay = 0

  constructor(size: number, within: FailedRequest | undefined) {
    this.size = size
    this.left = size
    this.within = within
  }

  isWithin(other: FailedRequest): boolean {
    return this === other || (this.within?.isWithin(other) ?? false)
  }
}

/** A part of a batch that failed as a whole. Only routes of one part share a request. */
export class BatchPart {
  readonly #of: FailedRequest
  readonly #search: Search

  private constructor(of: FailedRequest, search: Search) {
    this.#of = of
    this.#search = search
  }

  /**
   * A request for `size` events failed.
   *
   * One poison event fails in requests that lie within each other, whatever the order in which they are answered: these do not count. Two
   * that have no event in common, without a success of the batch in between, tell of the function. An event that stands alone is to blame
   * when all others of the last request that it shared have succeeded; until then nothing is known while some of them are under way, and it
   * counts when none is: it may be the only one left that can tell, as the first of a lane is.
   *
   * @param part whose request it was; absent: of a batch that had not failed before, which counts
   * @returns `again` makes a part of the failed request for its events to go again in
   */
  static failed(part: BatchPart | undefined, size: number): { readonly blame: Blame; readonly again: () => BatchPart } {
    const of = part === undefined ? undefined : part.#of
    // An event that is alone fails over and over in the same request.
    const request = of !== undefined && of.size === 1 ? of : new FailedRequest(size, of)
    const search = part === undefined ? { last: request } : part.#search
    return { blame: part === undefined ? 'function' : blameOf(search, request), again: () => new BatchPart(request, search) }
  }

  /** A request for events of this part begins. */
  started(): void {
    this.#each((request) => (request.underWay += 1))
  }

  ended(): void {
    this.#each((request) => (request.underWay -= 1))
  }

  /** The function answered a request of this part well. */
  succeeded(): void {
    this.#search.last = undefined
  }

  /** One event of this part is done. */
  done(): void {
    this.#each((request) => (request.left -= 1))
  }

  #each(change: (request: FailedRequest) => void): void {
    for (let each: FailedRequest | undefined = this.#of; each !== undefined; each = each.within) change(each)
  }
}

const blameOf = (search: Search, request: FailedRequest): Blame => {
  const shared = request.size === 1 ? request.within : undefined
  // Found: it failed with others, and they have succeeded without it.
  if (shared?.left === 1) return 'event'
  const { last } = search
  search.last = request
  if (last !== undefined && !request.isWithin(last)) return 'function'
  if (shared === undefined) return 'event'
  return shared.underWay > 0 ? 'unknown' : 'function'
}
