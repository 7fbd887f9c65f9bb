import type { Result } from './result.ts'

/** More expressions in one annotation are refused. */
const MAX_SCHEDULES = 32
const MAX_LENGTH = 4096

/** Splits an annotation at `;`. Empty items are dropped, so a `;` at the end does no harm. */
export const splitSchedules = (value: string): Result<readonly string[]> => {
  if (value.length > MAX_LENGTH) return { problem: `the annotation has ${value.length} characters; at most ${MAX_LENGTH} are allowed` }
  const items = value
    .split(';')
    .map((item) => item.trim())
    .filter((item) => item !== '')
  if (items.length === 0) return { problem: 'the schedule is empty' }
  if (items.length > MAX_SCHEDULES) return { problem: `the annotation has ${items.length} schedules; at most ${MAX_SCHEDULES} are allowed` }
  return { value: items }
}
