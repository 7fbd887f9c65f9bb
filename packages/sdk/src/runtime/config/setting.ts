import type { Parsed, RawValue, SettingType } from './schema.ts'
import type { SecretReference } from './secret-reference.ts'

/** One setting, declared once: parsing, `--help`, the docs page and the error messages all come from here. */
export interface Setting<T> {
  /** `snake_case`: the name in YAML and in the environment (there also in upper case); the flag is `--snake-case`. */
  readonly name: string
  /** Other names that mean the same, in all sources. */
  readonly aliases: readonly string[]
  /** Names whose value is the path of a file that holds the value. */
  readonly fileAliases: readonly string[]
  readonly kind: SettingType<unknown>['kind']
  /** What is allowed, for a person. */
  readonly allowed: string
  /** As it would be written; absent: no default. */
  readonly default?: string
  readonly required: boolean
  /** One sentence or two. */
  readonly describe: string
  readonly example: string
  /** Never printed, never taken from a flag, and read again when its file changes. */
  readonly secret: boolean
  /** `NAME_FILE` names a file that holds the value. */
  readonly fileForm: boolean
  /** Paths under `secret_mount_path` that may hold the value. */
  readonly mounts: readonly string[]
  /** A sentence when the value is accepted but deserves one. */
  warn?(this: void, value: T): string | undefined
  /** Why a variable of the environment with this name is somebody else's; `undefined`: it is ours. */
  foreign?(this: void, variable: string, value: string): string | undefined
  /** The value as it may be printed, when a part of it is secret (a URL with a password); such a value is never taken from a flag. */
  hide?(this: void, raw: RawValue): RawValue | undefined
  /** The value of another name in the form of the setting's own, where that name has a form of its own. Not called for files. */
  translate?(this: void, name: string, raw: RawValue): RawValue
  parse(this: void, raw: RawValue): Parsed<T>
}

/** What `setting()` takes. */
export interface SettingOptions<T> {
  readonly name: string
  readonly aliases?: readonly string[]
  readonly fileAliases?: readonly string[]
  readonly type: SettingType<T>
  readonly describe: string
  readonly example: string
  readonly fileForm?: boolean
  warn?(this: void, value: T): string | undefined
  foreign?(this: void, variable: string, value: string): string | undefined
  hide?(this: void, raw: RawValue): RawValue | undefined
  translate?(this: void, name: string, raw: RawValue): RawValue
}

/** What a component declares and how its settings go together. `V` is the type of its part of the configuration. */
export interface Component<V extends object> {
  /** Heading in `--help` and in the docs. */
  readonly title: string
  readonly settings: { readonly [K in keyof V]: Setting<V[K]> }
  /** Rules over several settings; called only when every single one of this component is right. */
  check?(values: Readonly<V>, report: (name: string, reason: string) => void): void
}

/** The part of the configuration that a component declares. */
export type ValuesOf<C> = C extends Component<infer V> ? Readonly<V> : never

const declare = <T>(options: SettingOptions<T>, more: { required: boolean; default?: string }): Setting<T> => ({
  name: options.name,
  aliases: options.aliases ?? [],
  fileAliases: options.fileAliases ?? [],
  kind: options.type.kind,
  allowed: options.type.allowed,
  describe: options.describe,
  example: options.example,
  secret: false,
  fileForm: options.fileForm ?? false,
  mounts: [],
  parse: options.type.parse,
  ...(options.warn === undefined ? {} : { warn: options.warn }),
  ...(options.foreign === undefined ? {} : { foreign: options.foreign }),
  ...(options.hide === undefined ? {} : { hide: options.hide }),
  ...(options.translate === undefined ? {} : { translate: options.translate }),
  ...more,
})

/** A setting with a default, written as a person would write it: `default: '2m'`. */
export const setting = <T>(options: SettingOptions<T> & { readonly default: string }): Setting<T> =>
  declare(options, { required: false, default: options.default })

/** A setting that must be given. */
export const requiredSetting = <T>(options: SettingOptions<T>): Setting<T> => declare(options, { required: true })

/** A setting that may be absent; its value is `undefined` then. */
export const optionalSetting = <T>(options: SettingOptions<T>): Setting<T | undefined> =>
  declare(options as SettingOptions<T | undefined>, { required: false })

/** A secret: from `NAME`, `NAME_FILE`, YAML or a mounted file, never from a flag. Its value is a reference that reads it. */
export const secretSetting = (
  options: Omit<SettingOptions<string>, 'warn' | 'fileForm'> & { readonly mounts?: readonly string[] },
): Setting<SecretReference | undefined> => {
  const declared = declare(options, { required: false })
  // The loader wraps the checked text into a reference; nobody else may call `parse` of a secret.
  return { ...declared, secret: true, fileForm: true, mounts: options.mounts ?? [] } as unknown as Setting<SecretReference | undefined>
}
