/**
 * Whether a broker is at least a version. What cannot be read counts as the oldest that the default topology works with (3.10), so that
 * nothing newer is asked of it.
 *
 * @param version as the broker says, e.g. `3.10.8` or `4.1.0-rc.1`
 */
export const atLeast = (version: string, major: number, minor: number): boolean => {
  const [, first = '3', second = '10'] = /^(\d{1,4})\.(\d{1,4})(?:\.|$)/.exec(version) ?? []
  return Number(first) > major || (Number(first) === major && Number(second) >= minor)
}
