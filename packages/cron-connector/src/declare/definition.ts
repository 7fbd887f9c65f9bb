import { createHash } from 'node:crypto'
import type { AnnotationProblem, FunctionDeclaration, HeaderField } from '@millrace/sdk'
import { fixedHeaders } from './fixed-headers.ts'
import { parseExpression } from '../schedule/expression.ts'
import { quote } from '../schedule/result.ts'
import type { Result } from '../schedule/result.ts'
import { splitSchedules } from '../schedule/split.ts'
import { sharedTimelines } from '../schedule/shared-timelines.ts'
import type { Timeline } from '../schedule/timeline.ts'
import { PREFIX, readSettings } from './read-settings.ts'
import type { CronDefaults, CronSettings } from './settings.ts'

/** Topics that make a function a cron function: OpenFaaS CE's and Pro's. */
const topics: readonly string[] = ['cron-function', 'com.openfaas.cron']
/** Named schedules and items of `;` lists of one function. */
const MAX_SCHEDULES = 64

/** One schedule of one function. */
export interface ScheduleDefinition {
  /** Stable over restarts and replicas; another one as soon as expression, zone, or place in the list changes. */
  readonly id: string
  /** `NAME` or `NAME.NAMESPACE`. */
  readonly function: string
  readonly topic: string
  /** Of a named schedule. */
  readonly name?: string
  /** As written, without the zone. */
  readonly expression: string
  readonly timeline: Timeline
  readonly settings: CronSettings
  /** Headers of every tick of it. */
  readonly headers: readonly HeaderField[]
  /** Every slot fires this much later, milliseconds. */
  readonly delayMs: number
}

/** What a function's declaration comes to. */
export interface Declared {
  readonly schedules: readonly ScheduleDefinition[]
  readonly problems: readonly AnnotationProblem[]
}

const timelineOf = sharedTimelines()

interface Source {
  readonly annotation: string
  readonly name?: string
  readonly texts: readonly string[]
}

const scheduleId = (declaration: FunctionDeclaration, normalised: string, zone: string, place: string | number): string =>
  createHash('sha256')
    .update(JSON.stringify([declaration.namespace ?? '', declaration.name, normalised, zone, place]))
    .digest('hex')
    .slice(0, 24)

/** A fixed part of the jitter: the same on every replica and after every restart (as systemd's FixedRandomDelay). */
const stableDelay = (id: string, jitterMs: number): number => Math.floor((Number.parseInt(id.slice(0, 12), 16) / 2 ** 48) * jitterMs)

const nameOf = (annotation: string): Result<string> => {
  const name = annotation.slice(`${PREFIX}schedule.`.length)
  return /^[A-Za-z0-9]([A-Za-z0-9._-]{0,29}[A-Za-z0-9])?$/.test(name)
    ? { value: name }
    : { problem: `${quote(name, 40)} is no name for a schedule; 1 to 31 letters, digits, dots and dashes are allowed` }
}

const sourcesOf = (annotations: ReadonlyMap<string, string>, problem: (annotation: string, reason: string) => void): Source[] => {
  const sources: Source[] = []
  const add = (annotation: string, value: string, name?: string): void => {
    const split = splitSchedules(value)
    if ('problem' in split) problem(annotation, split.problem)
    else sources.push({ annotation, texts: split.value, ...(name === undefined ? {} : { name }) })
  }
  for (const annotation of ['schedule', `${PREFIX}schedule`]) {
    const value = annotations.get(annotation)
    if (value === undefined) continue
    if (sources.length > 0) problem(annotation, 'the function has the annotation schedule too; only that one is read')
    else add(annotation, value)
  }
  for (const [annotation, value] of annotations) {
    if (!annotation.startsWith(`${PREFIX}schedule.`)) continue
    const name = nameOf(annotation)
    if ('problem' in name) problem(annotation, name.problem)
    else add(annotation, value, name.value)
  }
  return sources
}

const compile = (
  declaration: FunctionDeclaration,
  topic: string,
  text: string,
  settings: CronSettings,
  place: { readonly name?: string; readonly index: number },
): Result<ScheduleDefinition> => {
  const expression = parseExpression(text)
  if ('problem' in expression) return expression
  const timeline = timelineOf(expression.value, settings)
  if ('problem' in timeline) return timeline
  const key = place.name === undefined ? place.index : place.index === 0 ? place.name : `${place.name};${place.index}`
  const id = scheduleId(declaration, expression.value.normalised, timeline.value.zone.name, key)
  return {
    value: {
      id,
      function: declaration.function,
      topic,
      ...(place.name === undefined ? {} : { name: place.name }),
      expression: expression.value.text,
      timeline: timeline.value,
      settings,
      headers: fixedHeaders(expression.value.text, place.name, timeline.value.zone, settings.headers),
      delayMs: stableDelay(id, settings.jitterMs),
    },
  }
}

/**
 * Reads a function's schedules; `undefined` for a function that is none of ours.
 *
 * A schedule that is wrong does not run and the others do. A wrong setting (zone, overlap, ...) holds for all of the function's
 * schedules, so none of them runs: a job at the wrong time, or twice, is worse than one that is reported.
 */
export const readDeclaration = (declaration: FunctionDeclaration, defaults: CronDefaults): Declared | undefined => {
  const topic = declaration.topics.find((name) => topics.includes(name))
  if (topic === undefined) return undefined
  const problems: AnnotationProblem[] = []
  const problem = (annotation: string, reason: string): void => {
    problems.push({ function: declaration.function, annotation, reason: reason.slice(0, 300) })
  }
  const sources = sourcesOf(declaration.annotations, problem)
  const { settings, problems: wrong } = readSettings(declaration.annotations, defaults)
  for (const { annotation, reason } of wrong) problem(annotation, `${reason}; the function's schedules do not run until it is corrected`)
  if (sources.length === 0 && problems.length === 0)
    problem('schedule', `the topic is ${topic} but there is no schedule; write e.g. schedule: "*/5 * * * *"`)
  const schedules: ScheduleDefinition[] = []
  for (const { annotation, name, texts } of sources) {
    for (const [index, text] of texts.entries()) {
      const compiled = compile(declaration, topic, text, settings, { index, ...(name === undefined ? {} : { name }) })
      if ('problem' in compiled) problem(annotation, compiled.problem)
      else if (schedules.length >= MAX_SCHEDULES)
        problem(annotation, `a function has at most ${MAX_SCHEDULES} schedules; ${quote(text)} does not run`)
      else schedules.push(compiled.value)
    }
  }
  return { schedules: wrong.length > 0 ? [] : schedules, problems }
}
