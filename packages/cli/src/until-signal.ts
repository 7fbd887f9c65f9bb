const numbers = { SIGINT: 2, SIGTERM: 15 } as const

/**
 * Runs a piece of work that ends early when the process is asked to stop: the first SIGINT or SIGTERM aborts the signal, a second one ends
 * the process at once.
 *
 * @returns the result, and 128 + the signal's number if there was one
 */
export const untilSignal = async <T>(
  work: (signal: AbortSignal) => Promise<T>,
): Promise<{ readonly result: T; readonly exitCode?: number }> => {
  const abort = new AbortController()
  let exitCode: number | undefined
  const onSignal = (name: NodeJS.Signals): void => {
    const code = 128 + (name === 'SIGINT' ? numbers.SIGINT : numbers.SIGTERM)
    if (exitCode !== undefined) process.exit(code)
    exitCode = code
    abort.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  try {
    const result = await work(abort.signal)
    return { result, ...(exitCode !== undefined && { exitCode }) }
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}
