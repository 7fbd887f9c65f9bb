import type { Command } from 'commander'
import type { CliIo } from '../io.ts'

/** Adds one command to the program; `exit` says with which code the process is to end. */
export type AddCommand = (program: Command, io: CliIo, exit: (code: number) => void) => void

/** For options that may be given several times. */
export const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

/** One JSON value for a program that reads it. */
export const jsonText = (value: unknown): string => `${JSON.stringify(value)}\n`
