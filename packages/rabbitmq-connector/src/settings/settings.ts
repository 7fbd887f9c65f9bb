import type { Component } from '@millrace/sdk'
import { checkConnection, connectionSettings } from './connection-settings.ts'
import type { ConnectionConfig } from './connection-settings.ts'
import { checkDepths, depthSettings } from './depth-settings.ts'
import type { DepthConfig } from './depth-settings.ts'
import { letterSettings } from './letter-settings.ts'
import type { LetterConfig } from './letter-settings.ts'
import { messageSettings } from './message-settings.ts'
import type { MessageConfig } from './message-settings.ts'
import { checkTopology, topologySettings } from './topology-settings.ts'
import type { TopologyConfig } from './topology-settings.ts'

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
