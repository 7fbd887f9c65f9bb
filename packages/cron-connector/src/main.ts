#!/usr/bin/env node
import { runProgram } from '@millrace/sdk'
import { cronSettings } from './config.ts'
import { cronSource } from './source.ts'

process.exitCode = await runProgram({
  name: 'millrace-cron-connector',
  about: 'Calls OpenFaaS functions on the schedules that their annotations declare.',
  settings: cronSettings,
  source: (settings) => cronSource(settings),
})
