import { MillraceError } from '@millrace/sdk'
import type { Session, Source, SourceContext } from '@millrace/sdk'
import { builtInDefaults } from './declare/settings.ts'
import type { CronDefaults } from './declare/settings.ts'
import { CronSession } from './run/session.ts'
import { zoneOf } from './schedule/zone.ts'

/** Options of the cron source: what holds for every schedule unless its function's annotations say otherwise. */
export interface CronSourceOptions extends Partial<CronDefaults> {
  /** Lets I/O have its turn between parts of a long batch. @default setImmediate */
  readonly defer?: (run: () => void) => void
}

/**
 * A source whose events are the slots of the schedules that functions declare by annotations.
 *
 * Each slot is claimed in the connector's state store before it is handed over and settled there after the function has
 * succeeded, so a slot that was claimed and not settled fires again after a crash: at least once, with the same event id.
 *
 * @throws MillraceError `E_CRON_SCHEDULE` when `timezone` is no IANA name
 */
export const cronSource = (options: CronSourceOptions = {}): Source => {
  const { defer = setImmediate, ...given } = options
  const defaults: CronDefaults = Object.freeze({ ...builtInDefaults, ...given })
  if (zoneOf(defaults.timezone) === undefined) {
    throw new MillraceError('E_CRON_SCHEDULE', {
      schedule: '(every schedule)',
      reason: `the time zone "${defaults.timezone.slice(0, 60)}" is not known`,
    })
  }
  return {
    name: 'cron',
    replay: 'broker',
    order: 'none',
    position: 'each',
    async connect(context: SourceContext): Promise<Session> {
      const session = new CronSession(context, { defaults, defer })
      await session.start()
      return session
    },
  }
}
