/** `npm start`: a gateway with functions, and connectors that send events to them. Arguments go to `millrace dev`. */
import { join } from 'node:path'
import { launch } from './launch.mjs'
import { fail, root, setUp } from './setup.mjs'

await setUp().then((node) => launch(node, [join(root, 'packages/cli/dist/main.js'), 'dev', ...process.argv.slice(2)]), fail)
