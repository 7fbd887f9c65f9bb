#!/usr/bin/env node
import { runProgram } from '@millrace/sdk'
import { rabbitmqMetrics } from './metrics/metrics.ts'
import { rabbitmqSettings } from './settings/settings.ts'
import { rabbitmqSource } from './source.ts'
import { rabbitmqOptions } from './settings/source-options.ts'

process.exitCode = await runProgram({
  name: 'millrace-rabbitmq-connector',
  about: 'Calls OpenFaaS functions with the messages of the RabbitMQ queues, exchanges and streams that they name.',
  settings: rabbitmqSettings,
  metrics: rabbitmqMetrics,
  source: (settings, _logger, core) => rabbitmqSource(rabbitmqOptions(settings, core)),
})
