import { expect, test } from 'vitest'
import type { SourceContext } from '../../../src/contract/source.ts'
import type { OpenSession } from '../../../src/core/source/open-session.ts'
import { openSession } from '../../../src/core/source/open-session.ts'
import { bench, until } from './start-connector.ts'

test('a session that says it takes nothing in: readiness has its reason until it says otherwise, or has ended', async () => {
  const sessions: { readonly session: OpenSession; readonly context: SourceContext }[] = []
  const { connector } = await bench(
    { a: { annotations: { topic: 't' } } },
    {
      connector: {
        source: {
          name: 'partly',
          replay: 'broker',
          connect: async (context) => {
            const session = openSession()
            sessions.push({ session, context })
            return session
          },
        },
      },
    },
  )
  const states: string[] = []
  connector.on('state:changed', ({ state }) => states.push(state))
  await connector.start()
  await until('connected', () => connector.state === 'running')
  const [first] = sessions
  first?.context.notReady?.(new Error('E_PLANTED all of it is broken'))
  expect([connector.state, connector.notReady]).toEqual(['paused', ['partly: E_PLANTED all of it is broken']])
  first?.context.notReady?.(undefined)
  expect([connector.state, connector.notReady]).toEqual(['running', []])
  first?.context.notReady?.(new Error('again'))
  states.length = 0
  first?.session.lose(new Error('lost'))
  await until('connected again', () => sessions.length === 2 && connector.state === 'running')
  // Never ready between the two reasons.
  expect(states).toEqual(['running'])
  // Whoever is gone has nothing to say.
  first?.context.notReady?.(new Error('late'))
  expect(connector.notReady).toEqual([])
})
