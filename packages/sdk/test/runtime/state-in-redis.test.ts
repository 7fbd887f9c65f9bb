import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { redis } from '../../../../test/servers/redis.ts'
import { nodeFileReader } from '../../src/ports/files/file-reader.ts'
import { silentLogger } from '../../src/ports/logging/pino-logger.ts'
import { systemClock } from '../../src/ports/system-clock.ts'
import { coreSettings } from '../../src/runtime/config/core-settings.ts'
import { loadConfig } from '../../src/runtime/config/load-config.ts'
import { openStorage } from '../../src/runtime/host-storage.ts'
import { tempFolders } from '../ports/journal/temp-folder.ts'
import { bytes, until } from '../ports/state/redis-kit.ts'

const folder = tempFolders()

test('T15 state_url takes the place of state_dir for all but the spool; a rotated password file is used from the next connection on', async () => {
  await using server = await redis.single({ password: 'first' })
  const directory = await folder()
  const passwordFile = join(directory, 'password')
  await writeFile(passwordFile, 'first\n')
  const { values } = await loadConfig(
    { core: coreSettings },
    {
      argv: [],
      env: { state_url: `redis://127.0.0.1:${server.port}`, state_dir: directory, state_prefix: 'mine', state_password_file: passwordFile },
      files: nodeFileReader,
    },
  )
  const storage = await openStorage(values.core, true, systemClock, silentLogger)
  expect(await storage.state.put('cursor', bytes('7'), 'absent')).toBe(1)
  expect(await server.command('HGET', '{mine}:value:cursor', 'd')).toBe('7')
  expect(storage.spool).toBeDefined()
  await server.command('CONFIG', 'SET', 'requirepass', 'second')
  await writeFile(passwordFile, 'second\n')
  const other = await openStorage(values.core, false, systemClock, silentLogger)
  await until(
    () =>
      other.state.get('cursor').then(
        (found) => found?.version === 1,
        () => false,
      ),
    'logged in with the new password',
  )
  await other.close()
  await storage.close()
  await expect(storage.state.get('cursor')).rejects.toMatchObject({ code: 'E_STATE_CLOSED' })
})
