import type { DeadLetter } from '@millrace/sdk'

/** Where dead letters lie. */
export interface LetterPlace {
  /** Where it is recorded what was delivered, unless somebody says otherwise. */
  readonly logPath: string
  /** All letters, oldest first; may be called again. */
  read(onUnreadable: () => void): AsyncIterable<DeadLetter>
  /**
   * Takes what was delivered away from there, where that can be done; resolves with how many went. May be called again.
   * @throws MillraceError
   */
  removeDelivered?(isDelivered: (letter: DeadLetter) => Promise<boolean>): Promise<number>
}
