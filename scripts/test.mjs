/** `npm test`: every check there is. Arguments choose tests: `npm test -- topic-map`. */
import { join } from 'node:path'
import { launch } from './launch.mjs'
import { fail, root, setUp } from './setup.mjs'

await setUp({ build: false }).then(
  (node) => launch(node, [join(root, 'scripts/check.ts'), ...process.argv.slice(2)]),
  (error) => {
    fail(error)
    process.stdout.write('0 passed, 1 failed\n')
  },
)
