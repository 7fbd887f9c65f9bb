/**
 * The long run: parts of many steps each, which can be interrupted and go on where they were.
 *
 *     npm run test:long                            every part, as far as it is not done
 *     npm run test:long -- kafka-broker-kills      one part
 *     npm run test:long -- --list                  the parts, and how far each has come
 */
import { parseArgs } from 'node:util'
import { parts } from '../test/long/parts.ts'
import { defaultProgressPath, openProgress, type ProgressFile } from '../test/long/progress.ts'
import { runPart } from '../test/long/run-part.ts'
import type { LongPart } from '../test/long/part.ts'

const usage = `npm run test:long -- [part ...] [options]

  --list         the parts, and how far each has come
  --fresh        forget what was done of the chosen parts
  --steps N      at most N steps of each part in this call
  --seed N       the seed of a part that begins anew
  --state FILE   where progress is kept (${defaultProgressPath()})
  --help

Exit code 0: all chosen steps held; 1: one did not (it is tried first next time); 2: wrong arguments; 130: interrupted.
`

const wrong = (why: string): never => {
  process.stderr.write(`error: ${why}\n\n${usage}`)
  process.exit(2)
}

const readArguments = () => {
  try {
    const option = { type: 'string' } as const
    const flag = { type: 'boolean', default: false } as const
    return parseArgs({
      allowPositionals: true,
      options: { list: flag, fresh: flag, help: flag, steps: option, seed: option, state: option },
    })
  } catch (error) {
    return wrong((error as Error).message)
  }
}

const numberOf = (name: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined
  return /^\d{1,9}$/.test(text) ? Number(text) : wrong(`--${name} ${text} is not a number; write --${name} 10`)
}

const choose = (names: readonly string[]): readonly LongPart[] => {
  const unknown = names.filter((name) => !parts.some((part) => part.name === name))
  if (unknown.length > 0) wrong(`there is no part ${unknown.join(', ')}; there are ${parts.map(({ name }) => name).join(', ')}`)
  return names.length === 0 ? parts : parts.filter(({ name }) => names.includes(name))
}

const list = (chosen: readonly LongPart[], progress: ProgressFile): void => {
  for (const { name, about, steps } of chosen) {
    const state = progress.get(name)
    const failed = state?.failure === undefined ? '' : `, failed: ${state.failure}`
    console.log(`${name}  ${state?.done ?? 0}/${steps}${failed}\n    ${about}`)
  }
}

const { values, positionals } = readArguments()
const chosen = choose(positionals)
const progress = openProgress(values.state ?? defaultProgressPath())
const limit = numberOf('steps', values.steps)
const seed = numberOf('seed', values.seed)
const stop = new AbortController()

// The first ends it after the step that runs; the second at once, and the servers go with this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) process.exit(130)
    stop.abort()
  })
}

if (values.help) {
  process.stdout.write(usage)
} else if (values.list) {
  list(chosen, progress)
} else {
  let failed = 0
  for (const part of chosen) {
    if (stop.signal.aborted) break
    if (values.fresh) progress.forget(part.name)
    const say = (line: string): void => console.log(line)
    const options = { progress, say, signal: stop.signal, ...(limit !== undefined && { limit }), ...(seed !== undefined && { seed }) }
    if ((await runPart(part, options)) === 'failed') failed++
  }
  process.exitCode = failed > 0 ? 1 : stop.signal.aborted ? 130 : 0
}
