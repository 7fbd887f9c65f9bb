import { Secret } from '@millrace/sdk'
import type { SecretReference } from '@millrace/sdk'
import type { ConnectionConfig } from './connection-settings.ts'
import type { BrokerAddress, ConnectionMaterial, ConnectionOptions, TlsMaterial } from '../transport/connection-options.ts'

const withoutBrackets = (host: string): string => host.replace(/^\[(.*)\]$/, '$1')

const addressesOf = ({ url, hosts, defaultPort, tls }: ConnectionConfig): readonly BrokerAddress[] => {
  const otherwise = defaultPort ?? (tls || url.tls ? 5671 : 5672)
  if (hosts.length === 0) return [{ host: url.host, port: url.port ?? otherwise }]
  return hosts.map((each) => {
    const [, host = each, port] = /^(\[.*\]|[^:]*)(?::(\d+))?$/.exec(each) ?? []
    return { host: withoutBrackets(host), port: port === undefined ? otherwise : Number(port) }
  })
}

const revealed = async (reference: SecretReference | undefined): Promise<string | undefined> => (await reference?.read())?.reveal()

/** The user and password of this moment. What nobody has changed is guest, as every client has it. */
export const brokerLogin = async (config: ConnectionConfig): Promise<{ readonly username: string; readonly password: Secret }> => ({
  username: (await revealed(config.username)) ?? config.url.username ?? 'guest',
  password: (await config.password?.read()) ?? config.url.password ?? new Secret('guest'),
})

const tlsOf = async (config: ConnectionConfig): Promise<TlsMaterial> => {
  const [ca, cert, key] = [await revealed(config.tlsCa), await revealed(config.tlsCert), await config.tlsKey?.read()]
  return { ...(ca !== undefined && { ca }), ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) }
}

const materialOf = async (config: ConnectionConfig): Promise<ConnectionMaterial> => ({
  login: config.authMechanism === 'external' ? 'external' : await brokerLogin(config),
  ...((config.tls || config.url.tls) && { tls: await tlsOf(config) }),
})

/** The virtual host that these settings say. */
export const vhostOf = (config: ConnectionConfig): string => config.vhost ?? config.url.vhost ?? '/'

/** How to reach the brokers, as these settings say. */
export const connectionOf = (config: ConnectionConfig): ConnectionOptions => ({
  hosts: addressesOf(config),
  vhost: vhostOf(config),
  material: () => materialOf(config),
  heartbeatS: config.heartbeatMs / 1000,
  connectTimeoutMs: config.connectTimeoutMs,
  maxDelayMs: config.maxReconnectDelayMs,
  connectionName: config.connectionName,
})
