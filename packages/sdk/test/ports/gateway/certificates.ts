import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** PEM texts of an authority, a certificate of 127.0.0.1, one of another name, an expired one, and a client's. */
export interface Certificates {
  readonly ca: string
  readonly otherCa: string
  readonly good: { readonly cert: string; readonly key: string }
  readonly wrongName: { readonly cert: string; readonly key: string }
  readonly client: { readonly cert: string; readonly key: string }
}

/** Made anew by openssl, in a folder that is gone afterwards. */
export const makeCertificates = (): Certificates => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-tls-'))
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const authority = (name: string): void =>
    openssl('req', '-x509', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.pem`, '-days', '2', '-subj', `/CN=${name}`)
  const issue = (name: string, alt: string): { cert: string; key: string } => {
    writeFileSync(join(folder, `${name}.ext`), `subjectAltName=${alt}\n`)
    openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      '2',
      '-extfile',
      `${name}.ext`,
      '-out',
      `${name}.pem`,
    )
    return { cert: read(`${name}.pem`), key: read(`${name}.key`) }
  }
  try {
    authority('ca')
    authority('other')
    return {
      ca: read('ca.pem'),
      otherCa: read('other.pem'),
      good: issue('good', 'IP:127.0.0.1'),
      wrongName: issue('wrong', 'DNS:elsewhere.example'),
      client: issue('client', 'DNS:client'),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
