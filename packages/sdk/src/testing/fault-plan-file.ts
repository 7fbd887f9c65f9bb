import { z } from 'zod'
import { MillraceError } from '../core/errors.ts'
import { wireFaults, type FaultPlanSpec, type FaultRule } from './fault-plan.ts'
import { locateIssues, readLocatedYaml } from './located-yaml.ts'

const units: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['', 1],
])

const duration = z.union([z.number().min(0).max(3_600_000), z.string().regex(/^\d+(\.\d+)?(ms|s|m)$/)], {
  error: 'must be milliseconds or a text such as 250ms, 2s or 1m',
})

const toMs = (value: number | string): number => {
  if (typeof value === 'number') return value
  const number = Number.parseFloat(value)
  return number * (units.get(value.replace(/^[\d.]+/, '')) ?? 1)
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
// oxlint-disable-next-line no-control-regex
const headerText = z.string().regex(/^[^\u0000-\u0008\u000A-\u001F\u007F]*$/, 'must not have control characters')
const positive = z.int().min(1)
const attempts = z.union([positive, z.array(positive).min(1)], { error: 'must be a number from 1, or a list of them' })

const matchSchema = z.strictObject({
  function: z.union([z.string(), z.array(z.string()).min(1)]).optional(),
  topic: z.string().optional(),
  event: z.string().optional(),
  path: z.string().startsWith('/', 'must start with /').optional(),
  namespace: z.string().optional(),
  method: z.string().optional(),
  attempt: attempts.optional(),
  nth: z
    .union([positive, z.array(positive).min(1), z.strictObject({ every: positive })], {
      error: 'must be a number from 1, a list of them, or { every: N }',
    })
    .optional(),
  probability: z.number().min(0).max(1).optional(),
})

const thenSchema = z
  .strictObject({
    latency: duration.optional(),
    status: z.int().min(200, 'must be from 200 to 599').max(599, 'must be from 200 to 599').optional(),
    headers: z.record(z.string().regex(token, 'must be a header name'), z.union([headerText, z.number(), z.array(headerText)])).optional(),
    retryAfter: z.union([z.int().min(0), headerText]).optional(),
    body: z.string().optional(),
    bodyBytes: z.int().min(0).optional(),
    wire: z.enum(wireFaults, { error: `must be one of ${wireFaults.join(', ')}` }).optional(),
    run: z.boolean().optional(),
  })
  .refine((then) => Object.keys(then).length > 0, 'must say what happens: latency, status, headers, retryAfter, body, bodyBytes or wire')

const ruleSchema = z.strictObject({
  name: z.string().max(100).optional(),
  match: matchSchema.optional(),
  then: thenSchema,
  times: positive.optional(),
})

const planSchema = z.strictObject({
  seed: z.int().optional(),
  rules: z.array(ruleSchema),
})

type ParsedRule = z.infer<typeof ruleSchema>

/** Drops keys without a value: the types of a rule know absent, not undefined. */
const present = <T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> }

const toRule = ({ name, match, then: action, times }: ParsedRule): FaultRule => {
  const { latency, retryAfter, headers = {}, ...rest } = action
  const given = Object.entries(headers).map(([key, value]) => [key, typeof value === 'number' ? String(value) : value] as const)
  const all = retryAfter === undefined ? given : [...given, ['Retry-After', String(retryAfter)] as const]
  return present({
    name,
    match: match === undefined ? undefined : present(match),
    then: present({
      ...rest,
      latencyMs: latency === undefined ? undefined : toMs(latency),
      headers: all.length === 0 ? undefined : Object.fromEntries(all),
    }),
    times,
  }) as FaultRule
}

/**
 * Reads a fault plan from YAML or JSON.
 *
 * In a file durations are written `latency: 250ms`, and `retryAfter: 2` (seconds, or a date) is short for the header.
 *
 * @throws MillraceError `E_FAULTPLAN_INVALID` with every mistake as `file:line: path: reason`.
 * @example
 * seed: 7
 * rules:
 *   - name: payments is down at first
 *     match: { function: payments, attempt: [1, 2] }
 *     then: { status: 503, retryAfter: 1 }
 *   - match: { topic: 'orders.*', probability: 0.05 }
 *     then: { wire: reset-mid-body, run: true }
 */
export const parseFaultPlan = (text: string, file = 'fault plan'): FaultPlanSpec => {
  const yaml = readLocatedYaml(text)
  const fail = (problems: readonly string[]): never => {
    throw new MillraceError('E_FAULTPLAN_INVALID', { file, problems: problems.join('\n') })
  }
  if (yaml.problems.length > 0) return fail(yaml.problems.map(({ line, reason }) => `${file}:${line}: ${reason}`))
  const parsed = planSchema.safeParse(yaml.value ?? { rules: [] })
  if (!parsed.success) return fail(locateIssues(file, yaml, parsed.error.issues))
  const { seed, rules } = parsed.data
  return { ...(seed === undefined ? {} : { seed }), rules: rules.map(toRule) }
}
