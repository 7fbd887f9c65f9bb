/** The function's side of the ledger as a process: options as JSON in the first argument; says its address on standard output. */
import { startFunctionServer, type FunctionServerOptions } from './function-server.ts'

const server = await startFunctionServer(JSON.parse(process.argv[2] ?? '{}') as FunctionServerOptions)
process.once('SIGTERM', () => void server.close().then(() => process.exit(0)))
process.stdout.write(`listens ${server.url}\n`)
