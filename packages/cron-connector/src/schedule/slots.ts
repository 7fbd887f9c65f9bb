import type { Matcher } from './matcher.ts'
import type { OffsetChange, Zone } from './zone.ts'

const DAY = 86_400_000

/**
 * What a change of the offset below 24 h does to a fixed schedule:
 * `vixie` runs once at the first instant after the gap, `skip` not at all, `shift` moves each run by the length of the gap.
 * In the repeated hour all three run in the first pass only. Interval schedules follow real time under each of them.
 */
export type DstPolicy = 'vixie' | 'skip' | 'shift'

/** A nominal instant of a schedule, epoch milliseconds. `shifted`: its local time lies in a gap. */
export interface Slot {
  readonly at: number
  readonly shifted: boolean
}

const wallsOf = function* (matcher: Matcher, from: number, to: number, offset: number, shifted: boolean): Generator<Slot> {
  for (let wall = matcher.nextWall(from, to); wall !== undefined; wall = matcher.nextWall(wall + 1000, to))
    yield { at: wall - offset, shifted }
}

/** Merges two ascending runs; of two equal instants the first run's stays. */
const merge = function* (first: Iterator<Slot>, second: Iterator<Slot>): Generator<Slot> {
  let [a, b] = [first.next(), second.next()]
  while (a.done !== true || b.done !== true) {
    if (b.done === true || (a.done !== true && a.value.at <= b.value.at)) {
      if (a.done === true) return
      if (b.done !== true && b.value.at === a.value.at) b = second.next()
      yield a.value
      a = first.next()
    } else {
      yield b.value
      b = second.next()
    }
  }
}

/** The slots of a gap that `shift` moves behind it: the same instants that the old offset gives. */
const moved = (matcher: Matcher, gap: OffsetChange, from: number): Generator<Slot> =>
  wallsOf(matcher, Math.max(gap.at, from) + gap.before, gap.at + gap.after, gap.before, true)

/**
 * The slots later than `after` and before `horizon` (epoch milliseconds), strictly ascending.
 *
 * It walks the stretches of constant offset, so order holds by construction; resolving each local time by itself
 * loses slots where the repeated hour crosses midnight and invents one after a skipped day.
 */
export const slots = function* (
  matcher: Matcher,
  zone: Zone,
  after: number,
  horizon: number,
  dst: DstPolicy = 'vixie',
): Generator<Slot, void, undefined> {
  let cursor = Math.floor(after / 1000) * 1000 + 1000
  // From `after`, so that a gap which ends at `cursor` is seen.
  let change = zone.nextChange(after)
  const last = matcher.interval ? undefined : zone.lastChange(after, DAY)
  const near = last !== undefined && Math.abs(last.after - last.before) < DAY ? last : undefined
  let silentUntil = near === undefined ? -Infinity : near.at + near.before
  let pending = near !== undefined && near.after > near.before && dst === 'shift' ? moved(matcher, near, cursor) : undefined
  while (cursor < horizon) {
    const [oldWall, newWall] = [change.at + change.before, change.at + change.after]
    const regular = wallsOf(matcher, Math.max(cursor + change.before, silentUntil), oldWall, change.before, false)
    for (const slot of pending === undefined ? regular : merge(regular, pending)) {
      if (slot.at >= horizon) return
      yield slot
    }
    const adjusts = !matcher.interval && Math.abs(newWall - oldWall) < DAY
    const inGap = adjusts && dst === 'vixie' && matcher.nextWall(oldWall, newWall) !== undefined
    if (inGap && change.at < horizon && matcher.nextWall(newWall, newWall + 1000) === undefined) yield { at: change.at, shifted: true }
    pending = adjusts && dst === 'shift' && newWall > oldWall ? moved(matcher, change, change.at) : undefined
    silentUntil = adjusts && newWall < oldWall ? oldWall : -Infinity
    cursor = change.at
    change = zone.nextChange(cursor)
  }
}
