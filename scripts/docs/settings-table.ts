import type { AnyComponent, AnySetting } from '../../packages/sdk/src/runtime/config/setting-index.ts'
import { code, table } from './markdown.ts'

const defaultOf = (setting: AnySetting): string => {
  if (setting.default !== undefined) return setting.default === '' ? 'empty' : code(setting.default)
  return setting.required ? 'required' : 'none'
}

const formsOf = (setting: AnySetting): string => {
  const files = setting.fileAliases.length > 0 ? ` With a path: ${setting.fileAliases.map(code).join(', ')}.` : ''
  const aliases = setting.aliases.length > 0 ? ` Also ${setting.aliases.map(code).join(', ')}.` : ''
  const mounts = setting.mounts.map((mount) => ` Mounted file ${code(mount)}.`).join('')
  const secret = setting.secret ? ' A secret: never taken from a flag.' : ''
  return `${setting.describe}${setting.fileForm ? ` Form with a file: ${code(`${setting.name}_file`)}.` : ''}${mounts}${secret}${aliases}${files}`
}

/** The settings of one component, a row each. */
export const settingsTable = (component: AnyComponent): string =>
  table(
    ['setting', 'default', 'allowed', 'meaning', 'example'],
    Object.values(component.settings).map((setting) => [
      code(setting.name),
      defaultOf(setting),
      setting.allowed,
      formsOf(setting),
      code(setting.example),
    ]),
  )
