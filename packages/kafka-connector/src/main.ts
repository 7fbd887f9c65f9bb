#!/usr/bin/env node
import { runProgram } from '@millrace/sdk'
import { muteNegativeTimeouts } from './driver/mute-timeouts.ts'
import { kafkaMetrics } from './metrics.ts'
import { kafkaSettings } from './settings.ts'
import { kafkaSource } from './source.ts'
import { kafkaOptions } from './source-options.ts'

muteNegativeTimeouts(process)

process.exitCode = await runProgram({
  name: 'millrace-kafka-connector',
  about: 'Calls OpenFaaS functions with the records of the Kafka topics that they name.',
  settings: kafkaSettings,
  metrics: kafkaMetrics,
  source: (settings, logger) => kafkaSource(kafkaOptions(settings, logger)),
})
