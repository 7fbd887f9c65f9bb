/** Edits between two texts: insert, delete, replace, swap of neighbours. */
const distance = (a: string, b: string): number => {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, index) => index)]
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      const best = Math.min((rows[i - 1]?.[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (rows[i - 1]?.[j - 1] ?? 0) + same)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row.push(swapped ? Math.min(best, (rows[i - 2]?.[j - 2] ?? 0) + 1) : best)
    }
    rows.push(row)
  }
  return rows[a.length]?.[b.length] ?? 0
}

const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_. ]/g, '')

/**
 * For "did you mean": the known name nearest to `name`, or `undefined` when none is near. Case, `-` and `_` count as equal.
 *
 * @param maxEdits @default a third of the name's length, at least 1
 */
export const closest = (name: string, known: Iterable<string>, maxEdits?: number): string | undefined => {
  const wanted = plain(name.slice(0, 64))
  const limit = maxEdits ?? Math.max(1, Math.floor(wanted.length / 3))
  let best: { readonly name: string; readonly edits: number } | undefined
  for (const candidate of known) {
    const edits = distance(wanted, plain(candidate))
    if (edits <= limit && (best === undefined || edits < best.edits)) best = { name: candidate, edits }
  }
  return best?.name
}
