import { watch, type FSWatcher } from 'node:fs'

/** Editors write a file in several steps, and save several files at once. */
const settleMs = 150

/** Watches folders and calls `changed` once things have been still for a moment. */
export interface FileWatch {
  /** Watches these folders and no others from now on. A folder that cannot be watched is left out. */
  set(folders: Iterable<string>): void
  close(): void
}

const ignored = (name: string | null): boolean => name !== null && /(^|[/\\])(node_modules|\.git)([/\\]|$)/.test(name)

export const watchFiles = (changed: () => void): FileWatch => {
  const watchers = new Map<string, FSWatcher>()
  let timer: NodeJS.Timeout | undefined
  const soon = (name: string | null): void => {
    if (ignored(name)) return
    clearTimeout(timer)
    timer = setTimeout(changed, settleMs)
  }
  const start = (folder: string): void => {
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => soon(name))
      watcher.on('error', () => {
        watcher.close()
        watchers.delete(folder)
      })
      watchers.set(folder, watcher)
    } catch {
      // Gone, or no watches left: `reload()` still works.
    }
  }
  return {
    set(folders) {
      const wanted = new Set(folders)
      for (const [folder, watcher] of watchers) {
        if (wanted.has(folder)) continue
        watcher.close()
        watchers.delete(folder)
      }
      for (const folder of wanted) if (!watchers.has(folder)) start(folder)
    },
    close() {
      clearTimeout(timer)
      for (const watcher of watchers.values()) watcher.close()
      watchers.clear()
    },
  }
}
