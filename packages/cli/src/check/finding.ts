/** Something that `validate` found. */
export interface Finding {
  /** A warning is for a person to judge; with `--strict` it counts as a problem. */
  readonly severity: 'problem' | 'warning'
  /** Stable: for programs. */
  readonly code: 'config' | 'stack' | 'annotation' | 'schedule' | 'near-miss' | 'dead-letter-loop' | 'unknown-field'
  readonly file?: string
  readonly line?: number
  readonly function?: string
  /** One sentence. */
  readonly reason: string
}

/** `file:line: severity: function: reason`. */
export const findingLine = ({ severity, file, line, function: name, reason }: Finding): string => {
  const where = file === undefined ? '' : `${file}${line === undefined ? '' : `:${line}`}: `
  return `${where}${severity}: ${name === undefined ? '' : `${name}: `}${reason}`
}
