import { MillraceError } from '../../core/errors.ts'
import type { Setting } from './setting.ts'
import type { RawValue } from './schema.ts'

/** A setting of one of the components, without its type. */
export type AnySetting = Setting<unknown>

/** A component, whatever its values are. */
export interface AnyComponent {
  readonly title: string
  readonly settings: Readonly<Record<string, AnySetting>>
  check?(values: never, report: (name: string, reason: string) => void): void
}

/** The components of a process, by the name of their part of the configuration. */
export type Components = Readonly<Record<string, AnyComponent>>

/** A value with where it came from. */
export interface Found {
  readonly raw: RawValue
  /** `env GATEWAY_URL`, `millrace.yaml:3`, `flag --gateway-url`. */
  readonly origin: string
  /** `raw` is the path of a file that holds the value. */
  readonly isFile: boolean
}

/** What a name of a source stands for. */
export interface Named {
  readonly setting: AnySetting
  readonly isFile: boolean
}

/** Every accepted name, in snake case, with its setting. @throws MillraceError `E_INTERNAL_STATE` when two components declare one name. */
export const indexSettings = (components: Components): ReadonlyMap<string, Named> => {
  const index = new Map<string, Named>()
  for (const component of Object.values(components)) {
    for (const setting of Object.values(component.settings)) {
      const plain = [setting.name, ...setting.aliases]
      const files = [...(setting.fileForm ? plain.map((name) => `${name}_file`) : []), ...setting.fileAliases]
      for (const [names, isFile] of [
        [plain, false],
        [files, true],
      ] as const) {
        for (const name of names) {
          if (index.has(name)) throw new MillraceError('E_INTERNAL_STATE', { what: `two settings have the name ${name}` })
          index.set(name, { setting, isFile })
        }
      }
    }
  }
  return index
}

/** The value that `name` has in a source, in the form of the setting's own name. */
export const translated = (name: string, { setting, isFile }: Named, raw: RawValue): RawValue =>
  isFile ? raw : (setting.translate?.(name, raw) ?? raw)

/** Values by setting, in the order in which they were found. */
export class FoundValues {
  readonly #found = new Map<AnySetting, Found[]>()

  add(setting: AnySetting, found: Found): void {
    const list = this.#found.get(setting)
    if (list === undefined) this.#found.set(setting, [found])
    else list.push(found)
  }

  get(setting: AnySetting): readonly Found[] {
    return this.#found.get(setting) ?? []
  }
}
