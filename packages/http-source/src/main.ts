#!/usr/bin/env node
import { runProgram } from '@millrace/sdk'
import { httpSource } from './http-source.ts'
import { httpMetrics } from './metrics.ts'
import { httpOptions, httpSettings, isOpenToAll } from './settings.ts'

process.exitCode = await runProgram({
  name: 'millrace-http-source',
  about: 'Takes events by POST /topics/TOPIC and calls the OpenFaaS functions that want them.',
  settings: httpSettings,
  metrics: httpMetrics,
  source: async (settings, logger) => {
    const source = httpSource(httpOptions(settings))
    // At once, so that a port in use is said before anything else starts.
    logger.info('events are taken once the functions are known', { url: await source.listen() })
    if (isOpenToAll(settings)) logger.warn('anybody who reaches this address may publish; set events_token', { host: settings.eventsHost })
    return source
  },
})
