/** `npm run test:long`: the tests that take hours. Arguments choose parts: `npm run test:long -- kafka-broker-kills`. */
import { join } from 'node:path'
import { launch } from './launch.mjs'
import { fail, root, setUp } from './setup.mjs'

await setUp().then((node) => launch(node, [join(root, 'scripts/test-long.ts'), ...process.argv.slice(2)]), fail)
