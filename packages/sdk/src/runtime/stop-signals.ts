const numbers = { SIGINT: 2, SIGTERM: 15 } as const

type StopSignal = keyof typeof numbers

/** SIGTERM or SIGINT: the first asks for a drain, the second aborts it. Returns the way to stop listening. */
export const onStopSignals = (hooks: {
  stop(signal: StopSignal): void
  /** `exitCode` is 128 plus the signal's number. */
  abort(signal: StopSignal, exitCode: number): void
}): (() => void) => {
  let count = 0
  const onSignal = (signal: NodeJS.Signals): void => {
    const known = signal === 'SIGINT' ? 'SIGINT' : 'SIGTERM'
    count += 1
    if (count === 1) hooks.stop(known)
    else if (count === 2) hooks.abort(known, 128 + numbers[known])
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return () => {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}
