import { describe, expect, test } from 'vitest'
import { buildMap, listed } from './listed.ts'
import { event } from '../filter/events.ts'

const codes = (map: ReturnType<typeof buildMap>, topic: string): readonly (readonly [string, string])[] =>
  map.explain(topic).nearMisses.map((miss) => [miss.function, miss.code])

describe('explain', () => {
  test('says by which topic or pattern a function matches', () => {
    const map = buildMap([
      listed('a', { topic: 'x, orders.*, #' }),
      listed('b', { topic: 'orders.created' }),
      listed('c', { topic: 'payments' }),
    ])
    expect(map.explain('orders.created')).toEqual({
      topic: 'orders.created',
      matches: [
        { function: 'a.dev', via: 'orders.*' },
        { function: 'b.dev', via: 'orders.created' },
      ],
      nearMisses: [],
    })
  })

  test('finds another case, in exact topics and in patterns', () => {
    const map = buildMap([listed('a', { topic: 'Orders.created' }), listed('b', { topic: 'ORDERS.*' })])
    expect(codes(map, 'orders.created')).toEqual([
      ['a.dev', 'case'],
      ['b.dev', 'case'],
    ])
  })

  test('finds blanks and invisible characters, and shows them', () => {
    const map = buildMap([listed('a', { topic: 'orders. created' }), listed('b', { topic: 'orders.created\u200B' })])
    expect(codes(map, 'orders.created')).toEqual([
      ['a.dev', 'blank'],
      ['b.dev', 'blank'],
    ])
    expect(map.explain('orders.created').nearMisses[1]?.reason).toContain('\\u{200b}')
    expect(codes(buildMap([listed('a', { topic: 'orders' })]), ' orders')).toEqual([['a.dev', 'blank']])
  })

  test('finds both at once, and nothing in a topic of another name', () => {
    const map = buildMap([listed('a', { topic: 'Orders. created' }), listed('b', { topic: 'Payments.created, orders.deleted' })])
    expect(map.explain('orders.created').nearMisses).toEqual([
      { function: 'a.dev', code: 'blank', reason: expect.stringContaining('and in upper and lower case') as string },
    ])
  })

  test('names the namespace that is not watched, and the name that cannot be called', () => {
    const map = buildMap(
      [
        listed('a', { topic: 'orders' }, { namespace: 'prod' }),
        listed('x/y', { topic: 'orders' }),
        listed('c', { topic: 'other' }, { namespace: 'prod' }),
      ],
      {
        namespaces: { deny: ['prod'] },
      },
    )
    expect(map.explain('orders').nearMisses).toEqual([
      { function: 'a.prod', code: 'namespace', reason: 'the namespace `prod` is not watched' },
      expect.objectContaining({ function: 'x/y.dev', code: 'bad-annotation' }),
    ])
  })

  test('names the clause of a filter that the event does not meet', () => {
    const map = buildMap([
      listed('a', { topic: 'orders', 'com.openfaas.connector.filter': 'topic=orders; $.country=DE' }),
      listed('b', { topic: 'orders' }),
    ])
    expect(map.explain('orders', event({ topic: 'orders', json: { country: 'DE' } })).matches).toHaveLength(2)
    const explained = map.explain('orders', event({ topic: 'orders', json: { country: 'FR' } }))
    expect(explained.matches).toEqual([{ function: 'b.dev', via: 'orders' }])
    expect(explained.nearMisses).toEqual([
      { function: 'a.dev', code: 'filter', reason: 'its filter does not want the event: `$.country=DE` does not hold' },
    ])
  })

  test('names the topic annotation that cannot be used', () => {
    const map = buildMap([listed('a', { topic: 'orders.>.created' })])
    expect(codes(map, 'orders.eu.created')).toEqual([['a.dev', 'bad-annotation']])
  })

  test('what is only perhaps meant comes last', () => {
    const bad = Array.from({ length: 5 }, (_, n) => listed(`bad${n}`, { topic: 'x.>.y' }))
    const map = buildMap([...bad, listed('z', { topic: 'orders' }, { namespace: 'prod' })], {
      namespaces: { deny: ['prod'] },
      limits: { nearMisses: 2 },
    })
    expect(codes(map, 'orders')).toEqual([
      ['z.prod', 'namespace'],
      ['bad0.dev', 'bad-annotation'],
    ])
  })

  test('is bounded', () => {
    const functions = Array.from({ length: 50 }, (_, n) => listed(`f${n}`, { topic: 'ORDERS' }))
    expect(buildMap(functions, { limits: { nearMisses: 10 } }).explain('orders').nearMisses).toHaveLength(10)
  })
})
