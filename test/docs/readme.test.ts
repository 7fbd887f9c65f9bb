import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startDevGateway } from '@millrace/dev-gateway'
import { afterEach, expect, test, vi } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const pages = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`),
  ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}/README.md`),
]
const read = (page: string): string => readFileSync(join(root, page), 'utf8')

const undo: (() => unknown)[] = []

afterEach(async () => {
  vi.restoreAllMocks()
  for (const step of undo.splice(0).toReversed()) await step()
})

/** The anchors of a page by GitHub's rule: lower case, without punctuation, dashes for blanks. */
const anchors = (page: string): readonly string[] =>
  [...readFileSync(page, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )

test.each(pages)('%s links to pages and headings that exist', (page) => {
  const links = [...read(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)]
  const broken = links.filter(([, link = '', anchor]) => {
    const target = link === '' ? join(root, page) : join(root, dirname(page), link)
    return !existsSync(target) || (anchor !== undefined && !anchors(target).includes(anchor))
  })
  expect(broken.map(([text]) => text)).toEqual([])
})

test('ARCHITECTURE.md names files that exist', () => {
  const places = [
    '',
    'core/',
    'core/delivery/',
    'core/topics/',
    'core/window/',
    'core/batch/',
    'core/settle/',
    'ports/',
    'runtime/',
    'contract/',
    'testing/',
  ]
  const names = [...read('ARCHITECTURE.md').matchAll(/`((?:[\w-]+\/)*[\w-]+\.ts)`/g)].map(([, name = '']) => name)
  expect(names.length).toBeGreaterThan(40)
  const rabbitmq = ['', 'transport', 'topology', 'consumer'].map((room) => join('packages/rabbitmq-connector/src', room))
  const folders = [...places.map((place) => join('packages/sdk/src', place)), 'packages/kafka-connector/src', ...rabbitmq]
  const missing = names.filter((name) => !folders.some((folder) => existsSync(join(root, folder, name))))
  expect(missing).toEqual([])
})

test('the library example of the README runs as it stands', async () => {
  const gateway = await startDevGateway({ stack: join(root, 'examples/stack.yaml'), watch: false })
  undo.push(() => gateway.close())
  const [, code = ''] = /## As a library[^]*?```ts\n([^]*?)```/.exec(read('README.md')) ?? []
  expect(code).toContain("url: 'http://127.0.0.1:8080'")
  const folder = mkdtempSync(join(tmpdir(), 'millrace-readme-'))
  undo.push(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'example.ts')
  writeFileSync(file, code.replace('http://127.0.0.1:8080', gateway.url))
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  await import(file)
  expect(log.mock.calls.toSorted(([left], [right]) => String(left).localeCompare(String(right)))).toEqual([
    ['audit.openfaas-fn', 'done', 204, 1],
    ['big-orders.openfaas-fn', 'filtered', undefined, 0],
    ['flaky-mailer.openfaas-fn', 'done', 200, 1],
    ['order-handler.openfaas-fn', 'done', 200, 1],
  ])
})
