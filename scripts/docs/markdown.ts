/** One cell of a table: on one line, with nothing that ends the cell or opens a tag. */
const cell = (text: string): string =>
  text
    .replaceAll('|', String.raw`\|`)
    .replaceAll('\n', ' ')
    .replaceAll('<', '&lt;')

/** A Markdown table. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n')

/** Text as code; empty stays empty. */
export const code = (text: string): string => (text === '' ? '' : `\`${text}\``)

/** A whole page from its blocks. */
export const page = (title: string, source: string, blocks: readonly string[]): string =>
  `${[`# ${title}`, `<!-- Written by \`pnpm run docs\` from ${source}. Change that, not this. -->`, ...blocks].join('\n\n')}\n`
