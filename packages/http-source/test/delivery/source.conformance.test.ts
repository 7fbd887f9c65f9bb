import { sourceConformance } from '@millrace/sdk/testing'
import { httpSource } from '../../src/http-source.ts'
import type { HttpSource } from '../../src/http-source.ts'
import { guardTests, send } from '../kit.ts'

guardTests()

let source: HttpSource | undefined
let last = ''
const topics = ['left', 'right']

sourceConformance({
  name: 'http',
  durable: true,
  replay: 'spool',
  intakes: 2,
  create: () => (source = httpSource()),
  async publish(events) {
    last = source?.url ?? last
    const answers: boolean[] = []
    for (const { data, intake } of events) {
      // After close nothing listens any more.
      const answer = await send(`${last}${topics[intake]}`, data).catch(() => undefined)
      answers.push(answer?.status === 202)
    }
    return answers
  },
})
