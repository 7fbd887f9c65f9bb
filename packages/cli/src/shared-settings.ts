import type { Component, Setting } from '@millrace/sdk'

/** Names of the Pro connectors that Kafka's and RabbitMQ's both have. */
const shared: ReadonlySet<string> = new Set(['ca', 'cert', 'key', 'username', 'password'])

/** One connector among several: a bare `--username-file` would be a matter of luck. Each of these settings has a longer name beside it. */
export const amongOthers = <V extends object>(component: Component<V>): Component<V> => {
  const changed = Object.entries<Setting<unknown>>(component.settings).map(([key, each]) => [
    key,
    { ...each, aliases: each.aliases.filter((alias) => !shared.has(alias)) },
  ])
  return { ...component, settings: Object.fromEntries(changed) as Component<V>['settings'] }
}
