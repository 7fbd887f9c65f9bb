import { closest } from '../../core/closest.ts'
import { describeError } from '../../core/errors.ts'
import { printable } from '../../core/printable.ts'
import type { FileReader } from '../../ports/files/file-reader.ts'
import { parseYamlSettings } from '../../ports/files/yaml-settings.ts'
import type { ConfigProblem } from './problem.ts'
import { FoundValues, translated } from './setting-index.ts'
import type { Named } from './setting-index.ts'

export interface ReadFile {
  readonly found: FoundValues
  readonly problems: readonly ConfigProblem[]
}

/** Reads the settings file. A name that no component declares is a problem: a typing error must not become a default. */
export const readConfigFile = async (path: string | undefined, files: FileReader, index: ReadonlyMap<string, Named>): Promise<ReadFile> => {
  const found = new FoundValues()
  if (path === undefined) return { found, problems: [] }
  let text: string
  try {
    text = await files.read(path)
  } catch (error) {
    return { found, problems: [{ name: 'config', origin: path, reason: `the file cannot be read: ${describeError(error, 200)}` }] }
  }
  const parsed = parseYamlSettings(text)
  const problems: ConfigProblem[] = parsed.problems.map(({ line, reason }) => ({ name: 'config', origin: `${path}:${line}`, reason }))
  for (const { name, value, line } of parsed.entries) {
    const origin = `${path}:${line}`
    const named = index.get(name)
    if (named !== undefined) found.add(named.setting, { raw: translated(name, named, value), origin, isFile: named.isFile })
    else {
      const near = closest(name, index.keys())
      problems.push({
        name: printable(name, 64),
        origin,
        reason: 'there is no such setting',
        ...(near === undefined ? {} : { suggestion: near }),
      })
    }
  }
  return { found, problems }
}
