import { duration, optionalSetting, pem, secretSetting, setting, text, url } from '@millrace/sdk'
import type { SecretReference, Setting } from '@millrace/sdk'

/** The schema registry. Times in milliseconds. */
export interface RegistryConfig {
  readonly registryUrl: string | undefined
  readonly registryUsername: SecretReference | undefined
  readonly registryPassword: SecretReference | undefined
  readonly registryCa: string | undefined
  readonly registryCert: SecretReference | undefined
  readonly registryKey: SecretReference | undefined
  readonly registryTimeoutMs: number
}

/** Settings of the schema registry. */
export const registrySettings: { readonly [K in keyof RegistryConfig]: Setting<RegistryConfig[K]> } = {
  registryUrl: optionalSetting({
    name: 'schema_registry_url',
    type: url(['https', 'http']),
    describe:
      'Confluent Schema Registry. With it, values in its wire format (Avro, Protobuf, JSON Schema) become JSON before a function sees them; other values stay as they are.',
    example: 'https://registry:8081',
  }),
  registryUsername: secretSetting({
    name: 'schema_registry_username',
    type: text({ maxLength: 1024 }),
    describe: 'User for basic authentication.',
    example: '/var/secrets/registry-username',
  }),
  registryPassword: secretSetting({
    name: 'schema_registry_password',
    type: text({ maxLength: 4096 }),
    describe: 'Password of that user.',
    example: '/var/secrets/registry-password',
  }),
  registryCa: optionalSetting({
    name: 'schema_registry_ca',
    type: pem('CERTIFICATE'),
    fileForm: true,
    describe: 'Authorities to trust instead of the public ones.',
    example: '/var/secrets/registry-ca.pem',
  }),
  registryCert: secretSetting({
    name: 'schema_registry_cert',
    type: pem('CERTIFICATE'),
    describe: 'Client certificate.',
    example: '/var/secrets/registry-client.pem',
  }),
  registryKey: secretSetting({
    name: 'schema_registry_key',
    type: pem('PRIVATE KEY'),
    describe: 'Private key of the client certificate.',
    example: '/var/secrets/registry-client.key',
  }),
  registryTimeoutMs: setting({
    name: 'schema_registry_timeout',
    type: duration('100ms', '5m'),
    default: '10s',
    describe: 'Of one request to the registry.',
    example: '3s',
  }),
}

/** Rules over several of them. */
export const checkRegistry = (values: Readonly<RegistryConfig>, report: (name: string, reason: string) => void): void => {
  const { registryUrl, registryUsername, registryPassword, registryCa, registryCert, registryKey } = values
  if ((registryUsername === undefined) !== (registryPassword === undefined))
    report('schema_registry_password', 'user and password go together')
  if ((registryCert === undefined) !== (registryKey === undefined)) report('schema_registry_key', 'certificate and key go together')
  const given = registryUsername ?? registryCa ?? registryCert
  if (registryUrl === undefined && given !== undefined)
    report('schema_registry_url', 'other settings of the registry are given, and it is not')
  if (registryUrl?.startsWith('http:') === true && (registryCa ?? registryCert) !== undefined)
    report('schema_registry_url', 'certificates are given, and it is not https')
}
