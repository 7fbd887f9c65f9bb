/** Deepest path: segments after `$`. */
export const MAX_PATH_DEPTH = 32

/** A member's name or an index into an array. */
export type PathSegment = string | number

/** What stands at a path. Absent is not the same as null. */
export type Found = { readonly value: unknown } | undefined

/** Reads a path in parsed JSON: own members of objects and indexes of arrays only, so no prototype is ever reached. */
export const readPath = (root: unknown, path: readonly PathSegment[]): Found => {
  let at = root
  for (const segment of path) {
    if (typeof at !== 'object' || at === null) return undefined
    if (Array.isArray(at) !== (typeof segment === 'number')) return undefined
    if (!Object.hasOwn(at, segment)) return undefined
    at = (at as Record<PathSegment, unknown>)[segment]
  }
  return { value: at }
}

const member = /\.([\p{L}\p{N}_-]+)/uy
const index = /\[(\d{1,9})\]/y
const quoted = /\[("(?:[^"\\]|\\.)*")\]/uy

const unquote = (text: string): string | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

const step = (text: string, at: number): { readonly segment: PathSegment; readonly end: number } | undefined => {
  for (const form of [member, index, quoted]) {
    form.lastIndex = at
    const found = form.exec(text)
    if (found === null) continue
    const body = found[1] ?? ''
    const segment = form === member ? body : form === index ? Number(body) : unquote(body)
    return segment === undefined ? undefined : { segment, end: form.lastIndex }
  }
  return undefined
}

/** Reads `$`, `.member`, `[0]` and `["any member"]` from the start of a text; `end` is where the path ends. */
export const parsePath = (text: string): { readonly path: readonly PathSegment[]; readonly end: number } | { readonly problem: string } => {
  const path: PathSegment[] = []
  let end = 1
  while (text[end] === '.' || text[end] === '[') {
    const found = step(text, end)
    if (found === undefined) return { problem: 'a path is `$` with `.member`, `[0]` or `["member"]` after it' }
    path.push(found.segment)
    end = found.end
    if (path.length > MAX_PATH_DEPTH) return { problem: `a path has at most ${MAX_PATH_DEPTH} members` }
  }
  return { path, end }
}
