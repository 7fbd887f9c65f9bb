import type { FunctionsChange } from '../contract/functions-view.ts'
import type { DeliveryObserver } from '../core/delivery/observer.ts'

/** Which functions answer with redirects. */
export interface RedirectWatch {
  readonly observer: DeliveryObserver
  /** Functions that are gone, or were deployed again, may answer otherwise: the next attempt tells. */
  onChange(change: FunctionsChange): void
}

/** Tells which functions answer with a redirect: a configuration error that somebody must mend, so readiness is false meanwhile (P2). */
export const redirectWatch = (tell: (missing: string | undefined) => void): RedirectWatch => {
  const redirecting = new Set<string>()
  const report = (): void =>
    tell(
      redirecting.size === 0
        ? undefined
        : `these functions answer with a redirect, which is never followed: ${[...redirecting].slice(0, 5).join(', ')}`,
    )
  return {
    observer: {
      attemptFinished: ({ function: name, row }) => {
        if (row === 'S8' ? redirecting.has(name) : !redirecting.has(name)) return
        if (row === 'S8') redirecting.add(name)
        else redirecting.delete(name)
        report()
      },
    },
    onChange: ({ removed, changed }) => {
      const before = redirecting.size
      for (const { function: name } of [...removed, ...changed.map(({ after }) => after)]) redirecting.delete(name)
      if (redirecting.size < before) report()
    },
  }
}
