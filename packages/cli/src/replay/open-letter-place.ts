import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { MillraceError, readLetters } from '@millrace/sdk'
import type { DeadLetter } from '@millrace/sdk'
import type { CliIo } from '../io.ts'
import type { SettingFlags } from '../settings.ts'
import { isKafkaAddress, openKafkaLetters } from './kafka-letters.ts'
import type { LetterPlace } from './letter-place.ts'
import { isRabbitmqAddress, openRabbitmqLetters } from './rabbitmq-letters.ts'
import { defaultLogPath } from './replay-log.ts'

async function* readFiles(path: string, onUnreadable: () => void): AsyncGenerator<DeadLetter, void> {
  for await (const { letter } of readLetters(path, { onProblem: onUnreadable })) yield letter
}

/**
 * A file of letters, a directory of them, `kafka://HOST:PORT/TOPIC` or `rabbitmq://HOST:PORT/QUEUE`.
 *
 * @throws MillraceError `E_CLI_INPUT` when it does not exist; ConfigError
 */
export const openLetterPlace = async (given: string, flags: SettingFlags, io: CliIo): Promise<LetterPlace> => {
  if (isKafkaAddress(given)) return openKafkaLetters(given, flags, io)
  if (isRabbitmqAddress(given)) return openRabbitmqLetters(given, flags, io)
  const path = resolve(io.cwd, given)
  if (!existsSync(path)) throw new MillraceError('E_CLI_INPUT', { file: given, reason: 'it does not exist' })
  return { logPath: defaultLogPath(path), read: (onUnreadable) => readFiles(path, onUnreadable) }
}
