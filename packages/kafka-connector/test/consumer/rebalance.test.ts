import { MillraceError } from '@millrace/sdk'
import { manualClock } from '@millrace/sdk/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeRuns } from '../../src/consumer/completed-runs.ts'
import type { DriverRecord } from '../../src/driver/driver.ts'
import { MemoryCluster } from '../../src/driver/memory-driver.ts'
import { Player, turns } from './kit.ts'

const nameOf = ({ topic, partition, offset }: Pick<DriverRecord, 'topic' | 'partition' | 'offset'>): string =>
  `${topic}/${partition}/${offset}`

type Step =
  | { readonly kind: 'publish'; readonly partition: number; readonly count: number }
  | { readonly kind: 'finish'; readonly who: number; readonly which: number }
  | { readonly kind: 'commit' | 'rebalance' | 'evict' | 'failCommit' | 'leave' | 'join' | 'slow' | 'twice' | 'crash' }

const gentle = ['commit', 'rebalance', 'leave', 'join', 'twice'] as const
const rough = [...gentle, 'evict', 'failCommit', 'slow', 'crash'] as const

const steps = (kinds: readonly Step['kind'][]): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ kind: fc.constant('publish' as const), partition: fc.nat(2), count: fc.integer({ min: 1, max: 12 }) }),
      },
      { weight: 8, arbitrary: fc.record({ kind: fc.constant('finish' as const), who: fc.nat(5), which: fc.nat(50) }) },
      { weight: 4, arbitrary: fc.constantFrom(...kinds).map((kind) => ({ kind }) as Step) },
    ),
    { maxLength: 60 },
  )

/** A group over a cluster, with a ledger of what has ended. */
class World {
  readonly clock = manualClock()
  readonly cluster = new MemoryCluster()
  readonly players: Player[] = []
  readonly ended = new Set<string>()
  readonly ends: string[] = []
  readonly handed: string[] = []
  published = 0
  failures = 0
  readonly unearned: string[] = []

  constructor() {
    this.cluster.batch = 5
    this.cluster.createTopic('t', 3)
    this.cluster.onCommit = (items) => {
      if (this.failures > 0) {
        this.failures -= 1
        throw new MillraceError('E_KAFKA_COMMIT', { group: 'g', brokers: 'memory', reason: 'planted' })
      }
      // Acknowledge follows outcome: whatever a commit covers has ended, its run lengths included.
      for (const { topic, partition, offset, metadata } of items) {
        const covered = [{ from: 0, through: offset }, ...decodeRuns(offset, metadata)]
        for (const { from, through } of covered) {
          for (let at = from; at < through; at += 1)
            if (!this.ended.has(nameOf({ topic, partition, offset: at }))) this.unearned.push(`${topic}/${partition}/${at}`)
        }
      }
    }
  }

  async join(): Promise<void> {
    const player = new Player(this.cluster, { clock: this.clock }, (record) => {
      this.ended.add(nameOf(record))
      this.ends.push(nameOf(record))
    })
    this.players.push(player)
    await player.consumer.open()
  }

  async run(step: Step): Promise<void> {
    const [first] = this.players
    if (step.kind === 'publish') {
      for (let i = 0; i < step.count; i += 1) this.cluster.publish({ topic: 't', partition: step.partition })
      this.published += step.count
    } else if (step.kind === 'finish') this.players[step.who % Math.max(1, this.players.length)]?.finish(step.which)
    else if (step.kind === 'commit') await this.clock.advanceAsync(1000)
    else if (step.kind === 'rebalance') await this.cluster.rebalance('g')
    else if (step.kind === 'twice') await Promise.all([this.cluster.rebalance('g'), this.cluster.rebalance('g')])
    else if (step.kind === 'evict') await this.cluster.evict('g')
    else if (step.kind === 'failCommit') this.failures += 1
    else if (step.kind === 'slow' && first !== undefined) first.endsInDrain = !first.endsInDrain
    else if (step.kind === 'join' && this.players.length < 4) await this.join()
    else if (step.kind === 'leave' && this.players.length > 1) await (this.players.shift() as Player).consumer.close(1000)
    else if (step.kind === 'crash') {
      this.cluster.crash('g')
      for (const lost of this.players.splice(0)) lost.revoke('all')
      await this.join()
    }
    await turns(3)
  }

  async settle(): Promise<void> {
    this.failures = 0
    for (const player of this.players) player.endsInDrain = true
    // Starts that failed wait for their next try.
    for (let i = 0; i < 200 && this.committed() < this.published; i += 1) {
      for (const player of this.players) player.finishAll()
      await this.clock.advanceAsync(500)
      await turns(20)
    }
    if (this.ended.size !== this.published) throw new Error(`${this.ended.size} of ${this.published} records ended`)
  }

  async stop(): Promise<void> {
    await Promise.all(this.players.map((player) => player.consumer.close(0)))
  }

  committed(): number {
    return [0, 1, 2].reduce((sum, partition) => sum + (this.cluster.committed('g', { topic: 't', partition })?.offset ?? 0), 0)
  }
}

const play = async (script: readonly Step[]): Promise<World> => {
  const world = new World()
  await world.join()
  for (const step of script) await world.run(step)
  await world.settle()
  expect(world.unearned).toEqual([])
  expect(world.committed()).toBe(world.published)
  await world.stop()
  expect(world.clock.pending).toBe(0)
  return world
}

describe('members of a group', () => {
  it('T10, T11: lose nothing and commit nothing unfinished, whatever joins, leaves, fails, crashes or is evicted', async () => {
    await fc.assert(
      fc.asyncProperty(steps(rough), async (script) => {
        await play(script)
      }),
      { numRuns: 150 },
    )
  })

  it('run nothing twice as long as what runs ends within the drain and nobody is evicted', async () => {
    await fc.assert(
      fc.asyncProperty(steps(gentle), async (script) => {
        const world = await play(script)
        expect(world.ends.length).toBe(world.published)
      }),
      { numRuns: 150 },
    )
  })
})
