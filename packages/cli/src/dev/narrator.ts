import { styleText } from 'node:util'
import { printable } from '@millrace/sdk'
import type { Clock } from '@millrace/sdk'
import type { Line, LineKind } from './line.ts'

type Style = Parameters<typeof styleText>[0]

const styles: ReadonlyMap<LineKind, Style> = new Map<LineKind, Style>([
  ['event', 'cyan'],
  ['done', 'green'],
  ['acked', 'green'],
  ['retry', 'yellow'],
  ['failed', 'red'],
  ['held', 'red'],
  ['dead', 'red'],
  ['breaker', 'magenta'],
  ['warning', 'yellow'],
  ['released', 'yellow'],
  ['output', 'dim'],
  ['skipped', 'dim'],
  ['unmatched', 'dim'],
])

/** Kinds that come with every event. Under load some of them are left out, and counted; the others never are. */
const frequent: ReadonlySet<LineKind> = new Set<LineKind>(['event', 'done', 'acked', 'skipped', 'unmatched', 'output'])
const maxPerSecond = 400

const widths = { kind: 9, about: 20, text: 42 }

/** `NAME.openfaas-fn` is how most functions are called: the namespace says nothing then. */
const shorten = (about: string): string => about.replace(/\.openfaas-fn$/, '')

/** A line for people: time, what, about whom, what happened, which event. On one line whatever it holds (T42). */
export const renderLine = ({ kind, about, text, id }: Line, at: number, colour: boolean): string => {
  const time = new Date(at).toISOString().slice(11, 23)
  const word = kind.padEnd(widths.kind)
  const style = styles.get(kind)
  const shown = colour && style !== undefined ? styleText(style, word, { validateStream: false }) : word
  const subject = printable(shorten(about), 60).padEnd(widths.about)
  const tail = id === undefined ? printable(text, 600) : `${printable(text, 300).padEnd(widths.text)}  ${printable(id, 100)}`
  return `${time}  ${shown} ${subject} ${tail}`.trimEnd()
}

/** What a narrator is made of. */
export interface NarratorOptions {
  readonly out: (text: string) => void
  readonly clock: Pick<Clock, 'now'>
  readonly colour: boolean
  /** One JSON object a line. */
  readonly json: boolean
}

/** Writes what happens, one line each, and no more lines a second than somebody could follow. */
export interface Narrator {
  say(line: Line): void
  /** Where everything is, for people and for programs that wait for it. */
  ready(where: { readonly gateway: string; readonly events: string; readonly admin: string }): void
}

/** Makes a narrator. */
export const createNarrator = ({ out, clock, colour, json }: NarratorOptions): Narrator => {
  let second = 0
  let written = 0
  let leftOut = 0
  const write = (line: Line, at: number): void => {
    const { kind, about, text, id } = line
    const object = { time: new Date(at).toISOString(), kind, about, text, ...(id !== undefined && { id }) }
    out(`${json ? JSON.stringify(object) : renderLine(line, at, colour)}\n`)
  }
  return {
    say(line) {
      const at = clock.now()
      const now = Math.floor(at / 1000)
      if (now !== second) {
        if (leftOut > 0) write({ kind: 'state', about: 'millrace', text: `${leftOut} lines of the last busy second were left out` }, at)
        second = now
        written = 0
        leftOut = 0
      }
      if (frequent.has(line.kind) && written >= maxPerSecond) leftOut += 1
      else {
        written += 1
        write(line, at)
      }
    },
    ready(where) {
      const { gateway, events, admin } = where
      out(json ? `${JSON.stringify({ kind: 'ready', ...where })}\n` : `ready gateway=${gateway} events=${events} admin=${admin}\n`)
    },
  }
}
