import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'

const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), 'utf8')

it('docs/writing-a-source.md shows the source and the harness that are tested, in at most 40 lines', async () => {
  const [page, source, harness] = await Promise.all([
    read('../../../../docs/writing-a-source.md'),
    read('../../../../examples/custom-connector/folder-source.ts'),
    read('../../../../examples/custom-connector/folder-source.test.ts'),
  ])
  expect(source.trimEnd().split('\n').length).toBeLessThanOrEqual(40)
  expect(page).toContain(`\`\`\`ts\n${source}\`\`\``)
  expect(page).toContain(`\`\`\`ts\n${harness}\`\`\``)
})
