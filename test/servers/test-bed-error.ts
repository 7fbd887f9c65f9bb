/** What can be missing on a machine, and how to get it. These are errors of the test bed, not of Millrace: `docs/errors.md` does not list them. */
const table = {
  E_TESTBED_BROKER: {
    message: '{what} did not become ready: {reason}',
    fix: 'The log below says why. Look for a port in use, a full disk in the temporary folder, or too little memory (512 MiB a broker).',
  },
  E_TESTBED_DOWNLOAD: {
    message: '{what} could not be fetched: {reason}',
    fix: 'The first run needs the network: check the connection and the proxy settings of Maven (~/.m2/settings.xml) or Go (GOPROXY), then run it again.',
  },
  E_TESTBED_LOCK: {
    message: 'another process has been filling {folder} for too long',
    fix: 'End that process, or remove {folder}.lock if there is none.',
  },
  E_TESTBED_TOOL: {
    message: '{tool} is needed and was not found',
    fix: '{how}',
  },
  E_TESTBED_TOXIPROXY: {
    message: 'Toxiproxy refused {call}: {reason}',
    fix: 'Correct the call; test/servers/toxiproxy.ts lists the toxics and their attributes.',
  },
} as const

export type TestBedCode = keyof typeof table

const fill = (template: string, context: Readonly<Record<string, string>>): string =>
  template.replaceAll(/\{(\w+)\}/g, (whole, name: string) => context[name] ?? whole)

/** A real server cannot be had. Tests fail with it; they never skip. Its text says what is missing and how to get it. */
export class TestBedError extends Error {
  override readonly name: string = 'TestBedError'
  readonly code: TestBedCode
  readonly context: Readonly<Record<string, string>>

  /** `detail`: lines to show below, such as the end of a log. */
  constructor(code: TestBedCode, context: Readonly<Record<string, string>>, detail = '', cause?: unknown) {
    const { message, fix } = table[code]
    const log = detail === '' ? '' : `\n${detail.trimEnd()}`
    super(`${code} ${fill(message, context)}\n  fix ${fill(fix, context)}${log}`, cause === undefined ? undefined : { cause })
    this.code = code
    this.context = context
  }
}
