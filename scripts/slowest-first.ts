import type { TestSpecification } from 'vitest/node'
import { BaseSequencer } from 'vitest/node'

/** What waits for brokers, sessions and restarts goes first; the quick rest fills the gaps. */
const slow: readonly RegExp[] = [
  /test\/(?:kafka|rabbitmq)\/brokers/,
  /test\/(?:kafka|rabbitmq)\/(?:kill|network|security)/,
  /test\/(?:kafka|rabbitmq)\/|-connector\/test\/real\//,
  /test\/(?:servers|e2e|packaging)\//,
]

const rankOf = ({ moduleId }: TestSpecification): number => {
  const rank = slow.findIndex((pattern) => pattern.test(moduleId))
  return rank < 0 ? slow.length : rank
}

/** Orders test files so that none of the long ones is left alone at the end. */
export class SlowestFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return Promise.resolve(files.toSorted((a, b) => rankOf(a) - rankOf(b) || (a.moduleId < b.moduleId ? -1 : 1)))
  }
}
