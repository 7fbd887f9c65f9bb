import { defaultPolicy } from '../../../src/core/function-policy.ts'
import type { ListedFunction } from '../../../src/core/topics/listed-function.ts'
import { TopicMap } from '../../../src/core/topics/topic-map.ts'
import type { TopicMapOptions } from '../../../src/core/topics/topic-map.ts'

/** A listed function of the namespace `dev`, with these annotations. */
export const listed = (
  name: string,
  annotations: Readonly<Record<string, string>> = {},
  more: Partial<ListedFunction> = {},
): ListedFunction => ({
  name,
  namespace: 'dev',
  image: 'registry/fn:1',
  createdAt: '2024-01-01T00:00:00Z',
  annotations: new Map(Object.entries(annotations)),
  ...more,
})

/** A map with the defaults of decision P4. */
export const buildMap = (functions: readonly ListedFunction[], options: Partial<TopicMapOptions> = {}): TopicMap =>
  TopicMap.build(functions, { defaults: defaultPolicy, ...options })

/** Keys of the functions that match. */
export const matchKeys = (map: TopicMap, topic: string): readonly string[] => map.match(topic).map(({ policy }) => policy.function)
