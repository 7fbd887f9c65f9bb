import { isDeniedAttribute, isDeniedHeader, isTraceName, ownNames } from './names.ts'
import type { TraceName } from './names.ts'
import { tokenOf } from './value.ts'

/** What becomes of a header by its name. */
export type NameRule =
  | { readonly kind: 'drop' }
  | { readonly kind: 'trace'; readonly name: TraceName }
  | {
      readonly kind: 'send'
      /** On the wire. */
      readonly name: string
      readonly lower: string
      /** The CloudEvents rule encodes the value. */
      readonly cloudEvent: boolean
      /** The name when an attribute of the event has the first one: `X-<Source>-Header-<Name>`. */
      readonly otherwise: string
    }

const maxNameLength = 256
/** Names repeat from event to event; a producer that invents new ones all the time must not make this grow. */
const maxRemembered = 1024
const drop: NameRule = { kind: 'drop' }

/** The prefix of a source that says none. */
export const defaultPrefix = (sourceName: string): string => `X-${capitalised(sourceName)}-`

const capitalised = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)

/** Remembers what `resolve` says of the first thousand names. */
const remembered = (resolve: (name: string) => NameRule): ((name: string) => NameRule) => {
  const known = new Map<string, NameRule>()
  return (name) => {
    const found = known.get(name)
    if (found !== undefined) return found
    const rule = resolve(name)
    if (known.size < maxRemembered && name.length <= maxNameLength) known.set(name, rule)
    return rule
  }
}

/** Rules for the names of a source's attributes: they keep their names. */
export const attributeRules = (): ((name: string) => NameRule) =>
  remembered((name) => {
    if (name === '' || name.length > maxNameLength) return drop
    const wire = tokenOf(name)
    const lower = wire.toLowerCase()
    if (isTraceName(lower)) return { kind: 'trace', name: lower }
    if (isDeniedAttribute(lower) || ownNames.has(lower)) return drop
    return { kind: 'send', name: wire, lower, cloudEvent: lower.startsWith('ce-'), otherwise: wire }
  })

/**
 * Rules for the names of a message's own headers: deny-list first, `ce-*` and trace context keep their names, the others get the
 * prefix, and a name that is ours, or that the source reserves for its attributes, becomes `X-<Source>-Header-<Name>`.
 */
export const forwardedRules = (sourceName: string, prefix: string, reserved: readonly string[]): ((name: string) => NameRule) => {
  const ours = new Set([...ownNames, ...reserved.map((name) => name.toLowerCase())])
  const safePrefix = tokenOf(prefix)
  const second = `X-${capitalised(tokenOf(sourceName))}-Header-`
  return remembered((name) => {
    if (name === '' || name.length > maxNameLength) return drop
    const token = tokenOf(name)
    const own = token.toLowerCase()
    if (isTraceName(own)) return { kind: 'trace', name: own }
    const cloudEvent = own.startsWith('ce-')
    const wire = cloudEvent ? token : `${safePrefix}${token}`
    const lower = wire.toLowerCase()
    if (wire.length > maxNameLength || isDeniedHeader(own) || isDeniedHeader(lower)) return drop
    const otherwise = `${second}${capitalised(token)}`
    if (ours.has(lower)) return { kind: 'send', name: otherwise, lower: otherwise.toLowerCase(), cloudEvent: false, otherwise }
    return { kind: 'send', name: wire, lower, cloudEvent, otherwise }
  })
}
