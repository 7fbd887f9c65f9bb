import { runProgram, text, requiredSetting } from '@millrace/sdk'
import { folderSource } from './folder-source.ts'

// A whole connector: configuration, logs, probes and metrics, retries, dead letters, drain.
process.exitCode = await runProgram<{ folder: string; topic: string }>({
  name: 'folder-connector',
  about: 'Every file that is moved into a folder becomes an event.',
  settings: {
    title: 'Folder',
    settings: {
      folder: requiredSetting({
        name: 'folder',
        type: text({ maxLength: 4096 }),
        describe: 'The folder to watch.',
        example: '/var/spool/letters',
      }),
      topic: requiredSetting({ name: 'topic', type: text({ maxLength: 255 }), describe: 'The topic of its events.', example: 'letters' }),
    },
  },
  source: ({ folder, topic }) => folderSource(folder, topic),
})
