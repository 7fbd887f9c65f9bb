import type { DeliveryObserver } from '../core/delivery/observer.ts'

/** Tells which functions answer with a redirect: a configuration error that somebody must mend, so readiness is false meanwhile (P2). */
export const redirectWatch = (onChange: (missing: string | undefined) => void): DeliveryObserver => {
  const redirecting = new Set<string>()
  const report = (): void =>
    onChange(
      redirecting.size === 0
        ? undefined
        : `these functions answer with a redirect, which is never followed: ${[...redirecting].slice(0, 5).join(', ')}`,
    )
  return {
    attemptFinished: ({ function: name, row }) => {
      if (row === 'S8' ? redirecting.has(name) : !redirecting.has(name)) return
      if (row === 'S8') redirecting.add(name)
      else redirecting.delete(name)
      report()
    },
  }
}
