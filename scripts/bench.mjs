/** `npm run bench`: the benchmarks. Arguments go to them: `npm run bench -- --quick noop-http`. */
import { join } from 'node:path'
import { launch } from './launch.mjs'
import { fail, root, setUp } from './setup.mjs'

await setUp().then((node) => launch(node, [join(root, 'benchmarks/main.ts'), ...process.argv.slice(2)]), fail)
