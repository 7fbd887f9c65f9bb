// The contract of the package: the command as a function, for programs and tests that bring their own input and output.

export { runCli } from './run-cli.ts'

export type { CliIo } from './io.ts'
