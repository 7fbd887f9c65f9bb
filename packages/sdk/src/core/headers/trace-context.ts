/** https://www.w3.org/TR/trace-context/#traceparent-header-field-values; version 00 has nothing after the flags. */
const parent = /^(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[\x21-\x7E]{0,200})?$/

/** True for a `traceparent` that may be forwarded. */
export const isTraceparent = (value: string): boolean => {
  const match = parent.exec(value)
  return match !== null && (match[1] !== '00' || match[2] === undefined)
}

/** https://www.w3.org/TR/trace-context/#list; keys of level 1 with a tenant and the wider ones of level 2. */
const stateMember =
  /^[a-z0-9][-_*/a-z0-9]{0,255}(?:@[a-z0-9][-_*/a-z0-9]{0,255})?=[\x20-\x2B\x2D-\x3C\x3E-\x7E]{0,255}[\x21-\x2B\x2D-\x3C\x3E-\x7E]$/
const maxStateLength = 2048

/** True for a `tracestate` that may be forwarded: 32 members, 2 KiB. Empty members are allowed. */
export const isTracestate = (value: string): boolean => {
  if (value.length > maxStateLength) return false
  const members = value
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '')
  return members.length > 0 && members.length <= 32 && members.every((member) => stateMember.test(member))
}

/** https://www.w3.org/TR/baggage/#definition; limits of its section 3.3.2. */
const baggageKey = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const baggageValue = /^[\x21\x23-\x2B\x2D-\x3A\x3C-\x5B\x5D-\x7E]*$/

const isBaggageMember = (member: string): boolean =>
  member.split(';').every((part, index) => {
    const equals = part.indexOf('=')
    const key = (equals < 0 ? part : part.slice(0, equals)).trim()
    // A property may be a key alone, the entry itself may not.
    if (equals < 0) return index > 0 && baggageKey.test(key)
    return baggageKey.test(key) && baggageValue.test(part.slice(equals + 1).trim())
  })

/** True for `baggage` that may be forwarded: 64 members, 8192 bytes. */
export const isBaggage = (value: string): boolean => {
  if (value.length > 8192) return false
  const members = value.split(',')
  return members.length <= 64 && members.every(isBaggageMember)
}
