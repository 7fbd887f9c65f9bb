import { closest } from '../../core/closest.ts'
import type { ConfigProblem } from './problem.ts'
import { FoundValues, translated } from './setting-index.ts'
import type { Named } from './setting-index.ts'

/** Flags that are not settings. */
export const switchNames = ['help', 'version', 'print-config'] as const

/** `--help`, `--version`, `--print-config`: what the program should do instead of running. */
export type Switch = (typeof switchNames)[number]

export interface ParsedArguments {
  readonly found: FoundValues
  readonly configFile?: string
  readonly switches: readonly Switch[]
  readonly problems: readonly ConfigProblem[]
}

const isSwitch = (name: string): name is Switch => switchNames.some((known) => known === name)

const dashed = (name: string): string => name.replaceAll('_', '-')

/** The switches among the arguments, without looking at anything else: `--help` works with a wrong configuration. */
export const switchesOf = (argv: readonly string[]): readonly Switch[] =>
  switchNames.filter((name) => argv.includes(`--${name}`) || (name === 'help' && argv.includes('-h')))

class ArgumentParser {
  readonly found: FoundValues = new FoundValues()
  readonly problems: ConfigProblem[] = []
  configFile: string | undefined
  readonly #argv: readonly string[]
  readonly #index: ReadonlyMap<string, Named>
  #position = 0

  constructor(argv: readonly string[], index: ReadonlyMap<string, Named>) {
    this.#argv = argv
    this.#index = index
  }

  run(): void {
    while (this.#position < this.#argv.length) {
      const argument = this.#argv[this.#position] ?? ''
      this.#position += 1
      // Go's flag package, which existing connectors use, takes one dash as well as two.
      const match = /^--?([A-Za-z][\w.-]*)(?:=([^]*))?$/.exec(argument)
      if (match?.[1] === undefined) {
        // The argument itself may be a secret that belongs to a mistyped flag.
        this.problems.push({
          name: `argument ${this.#position}`,
          reason: 'it is not a flag; only flags are taken',
          example: '--gateway-url http://gateway:8080',
        })
      } else if (!isSwitch(match[1]) && argument !== '-h') this.#flag(match[1], match[2])
    }
  }

  #next(): string | undefined {
    const next = this.#argv[this.#position]
    if (next === undefined || /^--?[A-Za-z]/.test(next)) return undefined
    this.#position += 1
    return next
  }

  #flag(flag: string, inline: string | undefined): void {
    const name = flag.replaceAll('-', '_')
    const origin = `flag --${dashed(name)}`
    if (name === 'config') {
      this.configFile = inline ?? this.#next()
      if (!this.configFile) this.problems.push({ name: 'config', origin, reason: 'the path is missing', example: '--config millrace.yaml' })
      return
    }
    const named = this.#index.get(name)
    const negated = name.startsWith('no_') ? this.#index.get(name.slice(3)) : undefined
    if (named === undefined && negated?.setting.kind === 'boolean' && inline === undefined) {
      this.found.add(negated.setting, { raw: 'false', origin, isFile: false })
    } else if (named === undefined) this.#unknown(flag, inline)
    else this.#value(name, named, inline, origin)
  }

  #value(name: string, named: Named, inline: string | undefined, origin: string): void {
    const { setting, isFile } = named
    const raw = inline ?? (setting.kind === 'boolean' ? 'true' : this.#next())
    const reason = 'a secret is never taken from a flag, since every user of the machine can read it there'
    if (setting.secret && !isFile) {
      this.problems.push({ name: setting.name, origin, reason, example: `--${dashed(setting.name)}-file ${setting.mounts[0] ?? 'PATH'}` })
    } else if (raw !== undefined && setting.hide?.(raw) !== undefined) {
      const example = `--${dashed(setting.name)} ${setting.example}, or ${setting.name}=... in the environment`
      this.problems.push({ name: setting.name, origin, reason, example })
    } else if (raw === undefined) {
      this.problems.push({
        name: setting.name,
        origin,
        reason: 'the value is missing',
        allowed: setting.allowed,
        example: `--${dashed(setting.name)} ${setting.example}`,
      })
    } else this.found.add(setting, { raw: translated(name, named, raw), origin, isFile })
  }

  #unknown(flag: string, inline: string | undefined): void {
    if (inline === undefined) this.#next()
    const near = closest(flag, [...this.#index.keys(), 'config', ...switchNames])
    this.problems.push({
      name: `--${flag.slice(0, 64)}`,
      reason: 'there is no such flag',
      ...(near === undefined ? {} : { suggestion: `--${dashed(near)}` }),
    })
  }
}

/** Reads `--name value`, `--name=value`, `--flag`, `--no-flag`; one dash is taken too, and `_` for `-`. Never throws. */
export const parseArguments = (argv: readonly string[], index: ReadonlyMap<string, Named>): ParsedArguments => {
  const parser = new ArgumentParser(argv, index)
  parser.run()
  const { found, problems, configFile } = parser
  return { found, problems, switches: switchesOf(argv), ...(configFile === undefined ? {} : { configFile }) }
}
