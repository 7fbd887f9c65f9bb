import { describeError } from '../../core/errors.ts'
import type { FileReader } from '../../ports/files/file-reader.ts'
import { parseArguments } from './argv.ts'
import type { Switch } from './argv.ts'
import { readConfigFile } from './config-file.ts'
import { deepFreeze } from './deep-freeze.ts'
import { readEnvironment } from './environment.ts'
import type { Environment } from './environment.ts'
import { ConfigError, showValue } from './problem.ts'
import type { ConfigProblem } from './problem.ts'
import type { RawValue } from './schema.ts'
import { fileSecret, fixedSecret } from './secret-reference.ts'
import type { ValuesOf } from './setting.ts'
import { indexSettings } from './setting-index.ts'
import type { AnyComponent, AnySetting, Components, Found, FoundValues } from './setting-index.ts'

/** Where a configuration comes from, all of it passed in: nothing else in Millrace reads the environment. */
export interface ConfigSources {
  /** Without the program: `process.argv.slice(2)`. */
  readonly argv: readonly string[]
  readonly env: Environment
  readonly files: FileReader
}

/** One setting as it stands, for `--print-config`, `/config` and the status page. Never holds a secret. */
export interface ConfigEntry {
  readonly component: string
  readonly name: string
  /** As it was written; `undefined` when absent or secret. */
  readonly value: string | readonly string[] | undefined
  readonly secret: boolean
  /** `env GATEWAY_URL`, `millrace.yaml:3`, `flag --debug`, `file /var/secrets/x`, `default`; `undefined` when absent. */
  readonly origin: string | undefined
}

/** A whole configuration, checked and deeply frozen. */
export interface LoadedConfig<C extends Components> {
  /** By component, then by the key of the component's interface. */
  readonly values: { readonly [K in keyof C]: ValuesOf<C[K]> }
  readonly entries: readonly ConfigEntry[]
  /** One sentence each, fit for the log: accepted, but worth knowing. */
  readonly warnings: readonly string[]
  readonly switches: readonly Switch[]
  /** The settings file that was read. */
  readonly file?: string
}

interface Resolved {
  readonly value: unknown
  readonly origin?: string
  /** Absent for secrets and for the contents of files. */
  readonly shown?: RawValue
}

const defaultMounts = ['/var/secrets', '/var/openfaas/secrets']

/** Reads one setting after the other and gathers what is wrong. */
class Loader {
  readonly problems: ConfigProblem[] = []
  readonly warnings: string[] = []
  readonly #layers: readonly FoundValues[]
  readonly #files: FileReader
  #mounts: readonly string[] = defaultMounts

  constructor(layers: readonly FoundValues[], files: FileReader) {
    this.#layers = layers
    this.#files = files
  }

  async useMountPath(setting: AnySetting | undefined): Promise<void> {
    if (setting === undefined) return
    const resolved = await this.resolve(setting)
    if (resolved.origin !== 'default' && typeof resolved.value === 'string') this.#mounts = [resolved.value]
  }

  async resolve(setting: AnySetting): Promise<Resolved> {
    const found = this.#first(setting)
    if (found === 'conflict') return { value: undefined }
    if (found !== undefined) return found.isFile ? this.#fromFile(setting, String(found.raw), found.origin) : this.#parse(setting, found)
    const mounted = setting.mounts.length > 0 ? await this.#mounted(setting) : undefined
    if (mounted !== undefined) return mounted
    if (setting.default !== undefined) return this.#parse(setting, { raw: setting.default, origin: 'default', isFile: false })
    if (setting.required) this.#problem(setting, 'it is not set', {})
    return { value: undefined }
  }

  report(setting: AnySetting | undefined, name: string, reason: string, resolved: Resolved | undefined): void {
    if (setting === undefined) this.problems.push({ name, reason })
    else
      this.#problem(setting, reason, {
        ...(resolved?.origin === undefined ? {} : { origin: resolved.origin }),
        ...(resolved?.shown === undefined ? {} : { raw: resolved.shown }),
      })
  }

  /** The first layer that has the setting decides; names of one layer that disagree are a problem, not a matter of luck. */
  #first(setting: AnySetting): Found | 'conflict' | undefined {
    const layer = this.#layers.map((candidate) => candidate.get(setting)).find((candidates) => candidates.length > 0)
    const [first, ...rest] = layer ?? []
    if (first === undefined || rest.length === 0) return first
    const isFlag = first.origin.startsWith('flag ')
    if (isFlag && setting.kind === 'list')
      return { ...first, raw: [first, ...rest].flatMap((found) => (typeof found.raw === 'string' ? found.raw.split(',') : found.raw)) }
    const same = rest.every((other) => other.isFile === first.isFile && String(other.raw) === String(first.raw))
    if (same) return first
    const origins = [...new Set([first, ...rest].map((found) => found.origin))].join(' and ')
    this.#problem(
      setting,
      rest.some((other) => other.isFile !== first.isFile)
        ? 'the value and a file with the value are both given'
        : 'it is given more than once, with different values',
      { origin: origins },
    )
    return 'conflict'
  }

  #problem(setting: AnySetting, reason: string, where: { readonly origin?: string; readonly raw?: RawValue }): void {
    const isPrivate =
      setting.secret || setting.fileForm || (setting.kind === 'url' && setting.hide === undefined && /[@?#]/.test(String(where.raw)))
    this.problems.push({
      name: setting.name,
      reason,
      ...(where.raw === undefined ? {} : { value: isPrivate ? '[hidden]' : showValue(setting.hide?.(where.raw) ?? where.raw) }),
      ...(where.origin === undefined ? {} : { origin: where.origin }),
      allowed: setting.allowed,
      example: setting.secret ? `${setting.name}_file=/path/of/the/file` : `${setting.name}=${setting.example}`,
    })
  }

  #parse(setting: AnySetting, found: Found): Resolved {
    const parsed = setting.parse(found.raw)
    if (!parsed.ok) {
      this.#problem(setting, parsed.reason, { origin: found.origin, raw: found.raw })
      return { value: undefined }
    }
    if (setting.secret) return { value: fixedSecret(String(parsed.value), found.origin), origin: found.origin }
    const warning = found.origin === 'default' ? undefined : setting.warn?.(parsed.value)
    if (warning !== undefined) this.warnings.push(`${setting.name} (${found.origin}): ${warning}`)
    return { value: parsed.value, origin: found.origin, ...(setting.fileForm ? {} : { shown: setting.hide?.(found.raw) ?? found.raw }) }
  }

  async #fromFile(setting: AnySetting, path: string, named: string): Promise<Resolved> {
    const origin = `file ${path} (${named})`
    try {
      return await this.#read(setting, path, origin)
    } catch (error) {
      this.#problem(setting, `the file cannot be read: ${describeError(error, 200)}`, { origin })
      return { value: undefined }
    }
  }

  async #mounted(setting: AnySetting): Promise<Resolved | undefined> {
    for (const directory of this.#mounts) {
      for (const mount of setting.mounts) {
        const path = `${directory.replace(/\/+$/, '')}/${mount}`
        try {
          return await this.#read(setting, path, `file ${path}`)
        } catch (error) {
          const code = error instanceof Error && 'code' in error ? error.code : undefined
          // A directory of that name is another layout of the mounts: the file in it has a name of its own.
          if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'EISDIR')
            this.#problem(setting, `the file cannot be read: ${describeError(error, 200)}`, { origin: `file ${path}` })
        }
      }
    }
    return undefined
  }

  async #read(setting: AnySetting, path: string, origin: string): Promise<Resolved> {
    const version = await this.#files.version(path)
    const parsed = setting.parse(await this.#files.read(path))
    if (!parsed.ok) {
      this.#problem(setting, parsed.reason, { origin, raw: '' })
      return { value: undefined }
    }
    if (!setting.secret) return { value: parsed.value, origin }
    const parse = setting.parse as Parameters<typeof fileSecret>[0]['parse']
    return { value: fileSecret({ path, origin, files: this.#files, first: { value: String(parsed.value), version }, parse }), origin }
  }
}

interface LoadedComponent {
  readonly values: Readonly<Record<string, unknown>>
  readonly entries: readonly ConfigEntry[]
}

const loadComponent = async (loader: Loader, name: string, component: AnyComponent): Promise<LoadedComponent> => {
  const resolved = new Map<string, { readonly setting: AnySetting; readonly result: Resolved }>()
  const before = loader.problems.length
  for (const [key, setting] of Object.entries(component.settings)) resolved.set(key, { setting, result: await loader.resolve(setting) })
  const values = Object.fromEntries([...resolved].map(([key, { result }]) => [key, result.value]))
  if (loader.problems.length === before) {
    const byName = new Map([...resolved.values()].map((entry) => [entry.setting.name, entry]))
    component.check?.(values as never, (wrong, reason) =>
      loader.report(byName.get(wrong)?.setting, wrong, reason, byName.get(wrong)?.result),
    )
  }
  const entries = [...resolved.values()].map(({ setting, result }): ConfigEntry => ({
    component: name,
    name: setting.name,
    value: result.shown,
    secret: setting.secret,
    origin: result.origin,
  }))
  return { values, entries }
}

/**
 * Reads flags, environment, settings file and defaults, in this order of precedence, for all components at once.
 *
 * @throws ConfigError `E_CONFIG_INVALID` with everything that is wrong; end the process with `exitCodeConfig`
 * @throws MillraceError `E_INTERNAL_STATE` when two components declare one name
 */
export const loadConfig = async <C extends Components>(components: C, sources: ConfigSources): Promise<LoadedConfig<C>> => {
  const index = indexSettings(components)
  const flags = parseArguments(sources.argv, index)
  const environment = readEnvironment(sources.env, index)
  const file = flags.configFile ?? environment.configFile
  const yaml = await readConfigFile(file, sources.files, index)
  const loader = new Loader([flags.found, environment.found, yaml.found], sources.files)
  await loader.useMountPath(index.get('secret_mount_path')?.setting)
  // What is wrong with the mount path itself is found again in its own component.
  loader.problems.splice(0, Infinity, ...flags.problems, ...yaml.problems)
  loader.warnings.splice(0, Infinity, ...environment.warnings)
  const values: Record<string, unknown> = {}
  const entries: ConfigEntry[] = []
  for (const [name, component] of Object.entries(components)) {
    const loaded = await loadComponent(loader, name, component)
    values[name] = loaded.values
    entries.push(...loaded.entries)
  }
  if (loader.problems.length > 0) throw new ConfigError(deepFreeze(loader.problems))
  const config = { values, entries, warnings: loader.warnings, switches: flags.switches, ...(file === undefined ? {} : { file }) }
  return deepFreeze(config) as unknown as LoadedConfig<C>
}
