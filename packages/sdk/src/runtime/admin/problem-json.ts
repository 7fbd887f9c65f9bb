/** An error as RFC 9457 (problem details) has it, with how to fix it. */
export interface ProblemJson {
  /** Stable; the last part is what a program compares. */
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly fix: string
}

const kinds = {
  'not-found': {
    status: 404,
    title: 'There is no such page',
    fix: 'Pages: /livez, /readyz, /startupz, /metrics, /config, /explain?topic=TOPIC',
  },
  'method-not-allowed': { status: 405, title: 'Only GET and HEAD are answered', fix: 'Use GET. The admin server changes nothing.' },
  'bad-request': { status: 400, title: 'The request is not understood', fix: 'Correct the query.' },
  internal: { status: 500, title: 'The page could not be made', fix: 'Look into the log of the connector at this time.' },
} as const

/** The body of an error reply. `detail` must be fit for printing. */
export const problemJson = (kind: keyof typeof kinds, detail: string): ProblemJson => ({
  type: `urn:millrace:problem:${kind}`,
  ...kinds[kind],
  detail,
})
