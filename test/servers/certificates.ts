import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runTool } from './tools.ts'

/** A certificate and its key, PEM. */
export interface KeyPair {
  readonly cert: string
  readonly key: string
}

/** What the brokers of a server show and trust, and what clients may show them. EC keys; names `localhost` and `127.0.0.1`. */
export interface Certificates {
  /** The authority that signed the broker's and the client's. */
  readonly ca: string
  /** Another authority, for the wrong-CA case. */
  readonly otherCa: string
  /** CN `client`: the principal `User:client`. */
  readonly client: KeyPair
  /** CN `stranger`, signed by the other authority. */
  readonly stranger: KeyPair
  /** CN `client` and out of date. */
  readonly expiredClient: KeyPair
}

/** What a broker shows: a good certificate, one that is out of date, or one of the other authority. */
export type ServerCertificate = 'expired' | 'good' | 'other-ca'

const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

const extensions = 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n'

const makeAuthority = async (folder: string, name: string): Promise<void> => {
  await runTool(
    'openssl',
    ['req', '-x509', ...curve, '-days', '30', '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.pem`],
    {
      cwd: folder,
    },
  )
}

const makeLeaf = async (folder: string, file: string, name: string, authority: string, days: number): Promise<KeyPair> => {
  const options = { cwd: folder }
  await runTool('openssl', ['req', ...curve, '-subj', `/CN=${name}`, '-keyout', `${file}.key`, '-out', `${file}.csr`], options)
  const by = ['-CA', `${authority}.pem`, '-CAkey', `${authority}.key`, '-CAcreateserial', '-extfile', 'extensions']
  await runTool('openssl', ['x509', '-req', '-in', `${file}.csr`, ...by, '-out', `${file}.crt`, '-days', String(days)], options)
  const pair = { key: readFileSync(join(folder, `${file}.key`), 'utf8'), cert: readFileSync(join(folder, `${file}.crt`), 'utf8') }
  // The form of a PEM key store: the key, then its chain.
  writeFileSync(join(folder, `${file}.pem`), pair.key + pair.cert, { mode: 0o600 })
  return pair
}

/** Makes all certificates in a folder: `broker.pem`, `ca.pem` and so on. Throws `E_TESTBED_TOOL` without openssl. */
export const makeCertificates = async (folder: string, server: ServerCertificate = 'good'): Promise<Certificates> => {
  writeFileSync(join(folder, 'extensions'), extensions)
  await makeAuthority(folder, 'ca')
  await makeAuthority(folder, 'other-ca')
  await makeLeaf(folder, 'broker', 'broker', server === 'other-ca' ? 'other-ca' : 'ca', server === 'expired' ? -1 : 30)
  const client = await makeLeaf(folder, 'client', 'client', 'ca', 30)
  const stranger = await makeLeaf(folder, 'stranger', 'stranger', 'other-ca', 30)
  const expiredClient = await makeLeaf(folder, 'expired-client', 'client', 'ca', -1)
  const read = (name: string): string => readFileSync(join(folder, `${name}.pem`), 'utf8')
  return { ca: read('ca'), otherCa: read('other-ca'), client, stranger, expiredClient }
}
