import { manualClock } from '../../../src/testing/manual-clock.ts'
import { stateStoreSuite } from '../../../src/testing/state-store-suite.ts'
import { fileState } from '../../../src/ports/state/file-store.ts'
import { memoryState } from '../../../src/ports/state/memory-store.ts'
import { tempFolders } from '../journal/temp-folder.ts'

const folder = tempFolders()

stateStoreSuite(
  'memory',
  async () => {
    const clock = manualClock()
    const store = memoryState({ clock })
    return { store, advance: (ms) => clock.advanceAsync(ms), dispose: () => store.close() }
  },
  { durable: false },
)

stateStoreSuite('file', async () => {
  const clock = manualClock()
  const directory = await folder()
  let store = await fileState({ directory, clock })
  return {
    get store() {
      return store
    },
    advance: (ms) => clock.advanceAsync(ms),
    reopen: async () => {
      await store.close()
      store = await fileState({ directory, clock })
      return store
    },
    dispose: () => store.close(),
  }
})

stateStoreSuite('file, with a snapshot after every few puts', async () => {
  const clock = manualClock()
  const directory = await folder()
  let store = await fileState({ directory, clock, snapshotAfterBytes: 1 })
  return {
    get store() {
      return store
    },
    advance: (ms) => clock.advanceAsync(ms),
    reopen: async () => {
      await store.close()
      store = await fileState({ directory, clock, snapshotAfterBytes: 1 })
      return store
    },
    dispose: () => store.close(),
  }
})
