import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { deliver, pollingSession } from '@millrace/sdk'
import type { Source } from '@millrace/sdk'

/** Every file moved into `folder` is an event of `topic`; it is removed once its functions have succeeded. */
export const folderSource = (folder: string, topic: string, everyMs = 500): Source => ({
  name: 'folder',
  replay: 'broker',
  async connect(context) {
    await readdir(folder) // a missing folder is a failed connect, which is tried again
    const inHand = new Set<string>()
    return pollingSession(context, {
      intake: folder,
      everyMs,
      async poll(session) {
        for (const file of (await readdir(folder)).toSorted()) {
          if (inHand.has(file)) continue
          const data = await readFile(join(folder, file)).catch(() => undefined) // removed since readdir
          if (session.ended || session.paused(folder)) return
          if (data === undefined) continue
          inHand.add(file)
          deliver(context, {
            intake: folder,
            event: { id: `folder:${file}`, source: '/folder', type: 'dev.millrace.file', topic, data, headers: [] },
            async ack() {
              await rm(join(folder, file), { force: true })
              inHand.delete(file)
            },
            release: () => void inHand.delete(file),
          })
        }
      },
    })
  },
})
