import { cyclesOf, importsOf, packageOf, resolveImport, withoutComments, type SourceFile } from './import-graph.ts'

/** A rule of the architecture that a file breaks. */
export interface Violation {
  readonly path: string
  readonly rule: 'contract' | 'cycle' | 'environment' | 'internals' | 'layer' | 'length' | 'library' | 'pure'
  readonly detail: string
}

interface Door {
  /** Folders (or files) of which one file may import the library. */
  readonly places: readonly string[]
  /** Several files of a place may, where the library is a language to write in and not a service to talk to. */
  readonly several?: boolean
}

/** The layers of the SDK from the bottom: a file imports its own layer and those before it. */
const layers: readonly string[] = ['contract', 'core', 'ports', 'runtime', 'testing']

/** Who may import a library. One that is missing here may be imported by nobody. */
const doors: ReadonlyMap<string, Door> = new Map<string, Door>([
  ['amqplib', { places: ['packages/rabbitmq-connector/src/transport/'] }],
  ['commander', { places: ['packages/cli/src/'], several: true }],
  ['ioredis', { places: ['packages/sdk/src/ports/state/'] }],
  ['kafkajs', { places: ['packages/kafka-connector/src/driver/'] }],
  ['node-cron', { places: ['packages/cron-connector/src/'] }],
  ['pino', { places: ['packages/sdk/src/ports/'] }],
  ['prom-client', { places: ['packages/sdk/src/ports/'] }],
  ['protobufjs', { places: ['packages/kafka-connector/src/registry/'] }],
  ['snappyjs', { places: ['packages/kafka-connector/src/codecs/'] }],
  ['undici', { places: ['packages/sdk/src/ports/', 'packages/dev-gateway/src/'] }],
  ['vitest', { places: ['packages/sdk/src/testing/'], several: true }],
  [
    'yaml',
    {
      places: [
        'packages/sdk/src/ports/',
        'packages/sdk/src/testing/',
        'packages/dev-gateway/src/',
        'packages/rabbitmq-connector/src/topology/',
      ],
    },
  ],
  [
    'zod',
    {
      places: [
        'packages/sdk/src/runtime/config/',
        'packages/sdk/src/testing/',
        'packages/cron-connector/src/',
        'packages/dev-gateway/src/',
      ],
      several: true,
    },
  ],
])

/** Modules of Node that compute and do nothing else. */
const pureModules: ReadonlySet<string> = new Set(['node:assert', 'node:buffer', 'node:crypto', 'node:url', 'node:util'])

/** What the core must be given instead of taking it. */
const impure: readonly (readonly [RegExp, string])[] = [
  [/\bDate\.now\b/, 'Date.now'],
  [/\bnew Date\(\s*\)/, 'new Date()'],
  [/\bperformance\.now\b/, 'performance.now'],
  [/\bMath\.random\b/, 'Math.random'],
  [/\bset(?:Timeout|Interval|Immediate)\b/, 'a timer'],
  [/\bqueueMicrotask\b/, 'queueMicrotask'],
  [/\brandom(?:UUID|Bytes|Int|FillSync)\b/, 'randomness'],
  [/\bfetch\(/, 'fetch'],
  [/\bprocess\.(?!emitWarning\b)\w+/, 'process'],
  [/\bconsole\.\w+/, 'console'],
]

const maxLines = 400
/** Tables of data, which grow by rows and are not read from top to bottom. */
const dataFiles: ReadonlySet<string> = new Set(['packages/sdk/src/core/error-table.ts'])

const partOf = (path: string): { readonly name: string; readonly layer: string } => {
  const [, name = '', , layer = ''] = path.split('/')
  return { name, layer: path.split('/').length > 4 ? layer : '' }
}

const checkRelative = (file: SourceFile, target: string): Violation | undefined => {
  const from = partOf(file.path)
  const to = partOf(target)
  if (!target.startsWith(`packages/${from.name}/src/`)) return { path: file.path, rule: 'internals', detail: target }
  if (from.name !== 'sdk' || from.layer === '') return undefined
  const upwards = to.layer === '' || layers.indexOf(to.layer) > layers.indexOf(from.layer)
  return upwards || !layers.includes(to.layer) ? { path: file.path, rule: 'layer', detail: target } : undefined
}

const checkPackage = (file: SourceFile, specifier: string): Violation | undefined => {
  const from = partOf(file.path)
  const name = packageOf(specifier)
  const broken = (rule: Violation['rule']): Violation => ({ path: file.path, rule, detail: specifier })
  if (specifier.startsWith('node:')) {
    return from.name === 'sdk' && ['core', 'contract'].includes(from.layer) && !pureModules.has(specifier) ? broken('pure') : undefined
  }
  if (name === `@millrace/${from.name}`) return broken('layer')
  if (from.name === 'sdk' && ['core', 'contract'].includes(from.layer)) return broken('pure')
  if (name.startsWith('@millrace/'))
    return specifier === name || /^@millrace\/sdk\/testing(?:\/\w+)?$/.test(specifier) ? undefined : broken('internals')
  return doors.get(name)?.places.some((place) => file.path.startsWith(place)) === true ? undefined : broken('library')
}

const checkImports = (file: SourceFile): readonly Violation[] =>
  importsOf(file.text)
    .map((specifier) => {
      const target = resolveImport(file.path, specifier)
      return target === undefined ? checkPackage(file, specifier) : checkRelative(file, target)
    })
    .filter((violation) => violation !== undefined)

/** Text in strings is left out, so that a message may speak of `setTimeout`. */
const codeOf = (text: string): string => withoutComments(text).replaceAll(/'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g, "''")

const checkText = (file: SourceFile): readonly Violation[] => {
  const { name, layer } = partOf(file.path)
  const code = codeOf(file.text)
  const violations: Violation[] = []
  const broken = (rule: Violation['rule'], detail: string): void => void violations.push({ path: file.path, rule, detail })
  const lines = file.text.split('\n').length - 1
  if (lines > maxLines && !dataFiles.has(file.path)) broken('length', `${lines} lines`)
  if (name === 'sdk' && layer === 'core') for (const [pattern, what] of impure) if (pattern.test(code)) broken('pure', what)
  if (name === 'sdk' && layer === 'contract' && /^export (?:abstract )?(?:const|let|function|class|async)\b/m.test(code)) {
    broken('contract', 'the contract is types only')
  }
  // Programs, what starts them, and the configuration; a library is given what it needs.
  const mayReadEnvironment = /\/(?:main|config|run-program|worker-entry)\.ts$|\/config\/|^packages\/cli\//.test(file.path)
  if (!mayReadEnvironment && /\bprocess\.env\b/.test(code)) broken('environment', 'process.env')
  return violations
}

/** More than one importer of a library in a place that is to have one. */
const checkDoors = (files: readonly SourceFile[]): readonly Violation[] =>
  [...doors].flatMap(([library, door]) =>
    door.several === true
      ? []
      : door.places.flatMap((place) =>
          files
            .filter((file) => file.path.startsWith(place) && importsOf(file.text).some((specifier) => packageOf(specifier) === library))
            .slice(1)
            .map((file) => ({ path: file.path, rule: 'library' as const, detail: `${library} has another importer in ${place}` })),
        ),
  )

/** Every rule over every file. */
export const violationsOf = (files: readonly SourceFile[]): readonly Violation[] => [
  ...files.flatMap((file) => [...checkImports(file), ...checkText(file)]),
  ...checkDoors(files),
  ...cyclesOf(files).map((cycle) => ({ path: cycle[0] ?? '', rule: 'cycle' as const, detail: cycle.join(' -> ') })),
]
