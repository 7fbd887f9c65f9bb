import { FoundValues, translated } from './setting-index.ts'
import type { Named } from './setting-index.ts'

/** Variables of the environment, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The value of `name`, in lower or upper case; an empty one counts as absent, as charts write them. */
const variants = (env: Environment, name: string): readonly (readonly [variable: string, value: string])[] =>
  [...new Set([name, name.toUpperCase()])].flatMap((variable) => {
    const value = Object.hasOwn(env, variable) ? env[variable] : undefined
    return value === undefined || value.trim() === '' ? [] : [[variable, value] as const]
  })

/**
 * For each Service of a namespace Kubernetes sets `{SERVICE}_PORT=tcp://IP:PORT` (kubernetes.io, "Accessing the Service",
 * environment variables), so a Service called `admin` would set our `ADMIN_PORT`.
 */
const isServiceLink = (variable: string, value: string): boolean => variable.endsWith('_PORT') && /^(?:tcp|udp|sctp):\/\//.test(value)

export interface ReadEnvironment {
  readonly found: FoundValues
  readonly configFile?: string
  readonly warnings: readonly string[]
}

/** Finds the settings in the environment. Variables that are not settings are not looked at. */
export const readEnvironment = (env: Environment, index: ReadonlyMap<string, Named>): ReadEnvironment => {
  const found = new FoundValues()
  const warnings: string[] = []
  for (const [name, named] of index) {
    const { setting, isFile } = named
    for (const [variable, value] of variants(env, name)) {
      const foreign = isServiceLink(variable, value) ? 'it is the link of a Kubernetes Service' : setting.foreign?.(variable, value)
      if (foreign === undefined) found.add(setting, { raw: translated(name, named, value), origin: `env ${variable}`, isFile })
      else warnings.push(`${variable} is ignored: ${foreign}`)
    }
  }
  const configFile = variants(env, 'millrace_config')[0]?.[1]
  return { found, warnings, ...(configFile === undefined ? {} : { configFile }) }
}
