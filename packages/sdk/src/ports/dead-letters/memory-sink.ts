import type { DeadLetter, DeadLetterSink } from '../../contract/dead-letter.ts'

/** Letters in an array, for tests and for programs that look at them at once. Nothing survives the process. */
export interface MemoryDeadLetters extends DeadLetterSink {
  readonly letters: readonly DeadLetter[]
}

/** A sink that keeps letters in memory. */
export const memoryDeadLetters = (): MemoryDeadLetters => {
  const letters: DeadLetter[] = []
  return {
    name: 'memory',
    letters,
    write: (letter) => {
      letters.push(letter)
      return Promise.resolve()
    },
  }
}
