import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach } from 'vitest'
import { runCli } from '../src/index.ts'

const undo: (() => unknown)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

/** Runs after the test, the last one first. */
export const later = (step: () => unknown): void => void undo.push(step)

/** A folder with these files; gone after the test. */
export const folderOf = (files: Readonly<Record<string, string>> = {}): string => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
  later(() => rmSync(folder, { recursive: true, force: true }))
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), text)
  }
  return folder
}

export const provider = 'version: 1.0\nprovider: { name: openfaas }\n'

export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
  /** Standard output as JSON. */
  readonly json: <T>() => T
}

/** Runs a command in this process, with nothing of its environment. */
export const run = async (
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>>; readonly input?: string } = {},
): Promise<Ended> => {
  let out = ''
  let err = ''
  const code = await runCli(args, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    env: options.env ?? {},
    cwd: options.cwd ?? tmpdir(),
    colour: false,
    progress: false,
    readInput: () => Promise.resolve(Buffer.from(options.input ?? '')),
  })
  return { code, out, err, json: <T>() => JSON.parse(out) as T }
}
