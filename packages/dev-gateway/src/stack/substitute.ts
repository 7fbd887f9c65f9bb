/** Variables by name, as `process.env`. */
export type Variables = Readonly<Record<string, string | undefined>>

const name = /^[A-Za-z_][A-Za-z0-9_]*/

/** Where the `}` of the `${` at `open` stands; a default may itself contain `${...}`. */
const closing = (text: string, open: number): number => {
  let depth = 0
  for (let at = open; at < text.length; at += 1) {
    if (text.startsWith('${', at)) depth += 1
    else if (text[at] === '}') {
      depth -= 1
      if (depth === 0) return at
    }
  }
  return -1
}

const valueOf = (inner: string, variables: Variables): string => {
  const key = name.exec(inner)?.[0] ?? ''
  const rest = inner.slice(key.length)
  const set = Object.hasOwn(variables, key) ? variables[key] : undefined
  const [, colon = '', fallback = ''] = /^(:?)[-=](.*)$/s.exec(rest) ?? []
  const absent = colon === ':' ? set === undefined || set === '' : set === undefined
  return absent ? substitute(fallback, variables) : (set ?? '')
}

/**
 * Replaces `${NAME}`, `${NAME:-default}`, `${NAME-default}` (and `=` for `-`), as faas-cli does with a stack file before
 * it reads it as YAML. An unset variable without a default is empty; `$$` is a dollar; anything else stays as it is.
 */
export const substitute = (text: string, variables: Variables): string => {
  let out = ''
  for (let at = 0; at < text.length; at += 1) {
    if (text.startsWith('$$', at)) {
      out += '$'
      at += 1
    } else if (text.startsWith('${', at) && name.test(text.slice(at + 2, at + 130))) {
      const end = closing(text, at)
      if (end < 0) return out + text.slice(at)
      out += valueOf(text.slice(at + 2, end), variables)
      at = end
    } else out += text[at] ?? ''
  }
  return out
}
