/**
 * kafkajs sets a timer with a negative wait (tulios/kafkajs#1751), of which Node from 24 on warns once per process. It means nothing and
 * alarms operators, so a program may leave this one warning out; all others stay.
 */
export const muteNegativeTimeouts = (process: { emitWarning: NodeJS.Process['emitWarning'] }): void => {
  const original = process.emitWarning.bind(process) as (...args: readonly unknown[]) => void
  process.emitWarning = (...args: readonly unknown[]): void => {
    if (args[1] !== 'TimeoutNegativeWarning') original(...args)
  }
}
