import { Secret } from '../../core/secret.ts'
import type { FileReader } from '../../ports/files/file-reader.ts'
import type { Parsed } from './schema.ts'

/** Where a secret is, not what it is. Safe to print. */
export interface SecretReference {
  /** `env basic_auth_password` or `file /var/secrets/basic-auth-password`. */
  readonly origin: string
  /**
   * The secret of this moment. A file is read again when it has changed; while it cannot be read, or holds nothing
   * usable (a rotation in progress), the last good value stays.
   */
  read(): Promise<Secret>
}

/** A secret that was given directly: it cannot change. */
export const fixedSecret = (value: string, origin: string): SecretReference => {
  const secret = new Secret(value)
  return Object.freeze({ origin, read: () => Promise.resolve(secret) })
}

/** A secret in a file; `first` is its content at start. */
export const fileSecret = (options: {
  readonly path: string
  readonly origin: string
  readonly files: FileReader
  readonly first: { readonly value: string; readonly version: string }
  readonly parse: (text: string) => Parsed<string>
}): SecretReference => {
  const { path, files, parse, origin } = options
  let current = new Secret(options.first.value)
  let { version } = options.first
  const read = async (): Promise<Secret> => {
    try {
      const seen = await files.version(path)
      if (seen === version) return current
      const parsed = parse(await files.read(path))
      if (!parsed.ok) return current
      current = new Secret(parsed.value)
      // The version from before the reading: a change in between is seen by the next call.
      version = seen
    } catch {
      // The file is away, as in the middle of a rotation: the next call looks again.
    }
    return current
  }
  return Object.freeze({ origin, read })
}
