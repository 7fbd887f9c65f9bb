import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { describeError, MillraceError } from '@millrace/sdk'
import type { HeaderField } from '@millrace/sdk'
import { wrongUsage } from './failure.ts'

/** Headers of the command line, each `name=value` or `Name: value`. @throws MillraceError `E_CLI_USAGE` */
export const readHeaders = (command: string, given: readonly string[]): HeaderField[] =>
  given.map((text) => {
    const [, name, value] = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256})(?:=|:\s*)([\x20-\x7E]*)$/.exec(text) ?? []
    if (name === undefined || value === undefined)
      throw wrongUsage(command, `--header takes name=value in printable ASCII, not ${JSON.stringify(text.slice(0, 100))}`)
    return [name, value]
  })

/** A file of the command line; `-` is standard input. @throws MillraceError `E_CLI_INPUT` */
export const readData = async (file: string, cwd: string, readInput: () => Promise<Uint8Array>): Promise<Uint8Array> => {
  if (file === '-') return readInput()
  try {
    return await readFile(resolve(cwd, file))
  } catch (error) {
    throw new MillraceError('E_CLI_INPUT', { file, reason: describeError(error, 200) }, error)
  }
}

/** What JSON is sent as, and everything else. */
export const contentTypeOf = (data: Uint8Array): string => {
  if (data.length === 0 || data.length > 1 << 20) return 'text/plain'
  const text = Buffer.from(data).toString('utf8')
  if (!/^\s*[[{]/.test(text)) return 'text/plain'
  try {
    JSON.parse(text)
    return 'application/json'
  } catch {
    return 'text/plain'
  }
}
