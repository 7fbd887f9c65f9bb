import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { leakGuard, sourceConformance } from '@millrace/sdk/testing'
import { folderSource } from './folder-source.ts'

leakGuard()

let folder: string
let published: number
sourceConformance({
  name: 'folder',
  durable: true,
  burst: 60,
  async setup() {
    folder = await mkdtemp(join(tmpdir(), 'folder-source-'))
    published = 0
  },
  create: () => folderSource(folder, 'letters', 5),
  async publish(events) {
    for (const { data } of events) {
      const name = String(++published).padStart(6, '0')
      await writeFile(`${folder}.new`, data)
      await rename(`${folder}.new`, join(folder, name))
    }
  },
  kill: () => {}, // a source that nobody hears removes no files
  position: async () => published - (await readdir(folder)).length,
  teardown: () => rm(folder, { recursive: true, force: true }),
})
