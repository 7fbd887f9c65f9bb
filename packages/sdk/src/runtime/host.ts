import { describeError } from '../core/errors.ts'
import { LoopWatch } from '../core/loop-watch.ts'
import { metricsTable } from '../ports/metrics/metrics-table.ts'
import { metricsObserver } from '../ports/metrics/observer.ts'
import { sourceMetrics } from '../ports/metrics/source-metrics.ts'
import { createMetrics } from '../ports/metrics/registry.ts'
import { systemClock } from '../ports/system-clock.ts'
import type { AdminPages } from './admin/admin-routes.ts'
import { createAdminServer } from './admin/admin-server.ts'
import { type Connector, createConnector } from './connector.ts'
import { hostMetrics } from './host-metrics.ts'
import type { ConnectorHost, HostOptions } from './host-options.ts'
import { connectorOptions } from './host-policy.ts'
import { openStorage } from './host-storage.ts'

const pagesOf = (connectors: readonly Connector[], options: HostOptions, loop: LoopWatch, render: AdminPages['metrics']): AdminPages => {
  const reasons = (): string[] => connectors.flatMap((connector) => connector.notReady)
  let started = false
  return {
    live: () => ({ ok: loop.live, reasons: loop.live ? [] : ['the event loop was blocked'] }),
    ready: () => ({ ok: reasons().length === 0, reasons: reasons() }),
    started: () => {
      started ||= reasons().length === 0
      return { ok: started, reasons: started ? [] : reasons() }
    },
    metrics: render,
    config: () => options.describedConfig,
    explain: (topic) => ({ ...connectors[0]?.explain(topic), problems: connectors.flatMap((connector) => connector.problems()) }),
  }
}

/**
 * Makes the connectors of a process with everything around them: storage, metrics and the admin server, which listens when this resolves.
 *
 * @throws MillraceError `E_ADMIN_PORT_IN_USE`, and those of storage, TLS files and `createConnector`
 */
export const startHost = async (options: HostOptions): Promise<ConnectorHost> => {
  const { config, sources, logger } = options
  const loop = new LoopWatch({ clock: systemClock, limitMs: config.loopLimitMs })
  const table = { ...metricsTable, ...options.metrics }
  const metrics = createMetrics({ table, topics: config.metricsTopics, compat: config.metricsCompat })
  const observer = metricsObserver(metrics, () => systemClock.now())
  const base = await connectorOptions(config)
  const needsSpool = sources.some((source) => source.replay === 'spool')
  const storage = await openStorage(config, needsSpool, systemClock, logger)
  const { deadLetters, state, spool } = storage
  try {
    const connectors = sources.map((source) =>
      createConnector({
        ...base,
        source,
        state,
        logger: logger.child({ connector: source.name }),
        observers: [observer],
        metrics: sourceMetrics(metrics, options.metrics ?? {}),
        ...(deadLetters !== undefined && { deadLetters }),
        ...(spool !== undefined && source.replay === 'spool' && { spool }),
      }),
    )
    hostMetrics(
      metrics,
      connectors,
      sources.map(({ name }) => name),
      loop,
    )
    for (const source of sources) {
      if ((deadLetters ?? source.deadLetters) === undefined) {
        logger.warn('there is no place for dead letters: what would be one waits instead, and its lane with it; set dead_letter_dir', {
          connector: source.name,
        })
      }
    }
    const render = async (): Promise<{ contentType: string; text: string }> => ({
      contentType: metrics.contentType,
      text: await metrics.render(),
    })
    const admin = createAdminServer({
      host: config.adminHost,
      port: config.adminPort,
      pages: pagesOf(connectors, options, loop, render),
      logger,
    })
    const { url } = await admin.start()
    loop.start()
    const close = async (how: 'stop' | 'kill'): Promise<void> => {
      await Promise.all(connectors.map((connector) => connector[how]()))
      loop.stop()
      await storage.close()
      await admin.close()
    }
    let stopping: Promise<void> | undefined
    return {
      connectors,
      adminUrl: url,
      start: async () => {
        await Promise.all(connectors.map((connector) => connector.start()))
      },
      stop: () => (stopping ??= close('stop')),
      kill: async () => {
        await Promise.all(connectors.map((connector) => connector.kill()))
        await (stopping ??= close('kill'))
      },
    }
  } catch (error) {
    logger.debug('the host did not start', { error: describeError(error) })
    await storage.close()
    throw error
  }
}
