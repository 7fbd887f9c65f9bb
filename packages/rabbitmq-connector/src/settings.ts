import type { Component } from '@millrace/sdk'
import { checkConnection, connectionSettings } from './settings-connection.ts'
import type { ConnectionConfig } from './settings-connection.ts'
import { checkDepths, depthSettings } from './settings-depths.ts'
import type { DepthConfig } from './settings-depths.ts'
import { letterSettings } from './settings-letters.ts'
import type { LetterConfig } from './settings-letters.ts'
import { messageSettings } from './settings-messages.ts'
import type { MessageConfig } from './settings-messages.ts'
import { checkTopology, topologySettings } from './settings-topology.ts'
import type { TopologyConfig } from './settings-topology.ts'

/** The part of the configuration that the RabbitMQ connector declares. Times in milliseconds. */
export interface RabbitmqConfig extends ConnectionConfig, TopologyConfig, LetterConfig, MessageConfig, DepthConfig {}

/** The settings of the RabbitMQ connector: its own names, and those of the OpenFaaS Pro and Templum connectors. */
export const rabbitmqSettings: Component<RabbitmqConfig> = {
  title: 'RabbitMQ',
  settings: { ...connectionSettings, ...topologySettings, ...letterSettings, ...messageSettings, ...depthSettings },
  check(values, report) {
    checkConnection(values, report)
    checkTopology(values, report)
    checkDepths(values, report)
  },
}
