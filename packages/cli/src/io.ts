import { buffer } from 'node:stream/consumers'

/** Everything a command takes from outside and gives to it. */
export interface CliIo {
  /** Results. */
  out(this: void, text: string): void
  /** Progress and errors. */
  err(this: void, text: string): void
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Colours and progress that overwrites itself are welcome on standard output and standard error. */
  readonly colour: boolean
  readonly progress: boolean
  /** All of standard input; empty when it is a terminal. */
  readInput(this: void): Promise<Uint8Array>
}

/** A reader that has enough (`| head`) is no fault of ours. */
const write =
  (stream: NodeJS.WriteStream) =>
  (text: string): void => {
    if (stream.writable) stream.write(text)
  }

/** The process's own. */
export const ioOfProcess = (): CliIo => {
  const { env, stdin, stdout, stderr } = process
  for (const stream of [stdout, stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
  }
  return {
    out: write(stdout),
    err: write(stderr),
    env,
    cwd: process.cwd(),
    // https://no-color.org: any value that is not empty.
    colour: stdout.isTTY && !env['NO_COLOR'] && env['TERM'] !== 'dumb',
    progress: stderr.isTTY && env['TERM'] !== 'dumb',
    readInput: async () => (stdin.isTTY ? new Uint8Array() : buffer(stdin)),
  }
}
