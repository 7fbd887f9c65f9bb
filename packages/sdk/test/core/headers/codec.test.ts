import { describe, expect, test } from 'vitest'
import { eventWith, forwarded, kafkaCodec, pairs, valuesOf } from './events.ts'

const bytes = (...values: number[]): Uint8Array => new Uint8Array(values)

describe('the headers that every request has', () => {
  test('are these, each once, in this order (openfaas S11)', () => {
    const flat = kafkaCodec().encode(eventWith({ contentType: 'application/json' }), 3)
    expect(pairs(flat)).toEqual([
      ['Content-Type', 'application/json'],
      ['User-Agent', 'millrace/0.1.0'],
      ['X-Topic', 'orders'],
      ['X-Connector', 'millrace/kafka-connector'],
      ['X-Event-Id', 'kafka:prod/orders/3/42'],
      ['X-Delivery-Attempt', '3'],
      ['Idempotency-Key', 'kafka:prod/orders/3/42'],
    ])
  })

  test('the content type is the function’s, else the event’s, else the configured one, else text/plain', () => {
    const typed = eventWith({ contentType: 'application/json; charset=utf-8' })
    const codec = kafkaCodec({ defaultContentType: 'application/octet-stream' })
    expect(valuesOf(codec.encode(typed, 1, 'application/xml'), 'content-type')).toEqual(['application/xml'])
    expect(valuesOf(codec.encode(typed, 1), 'content-type')).toEqual(['application/json; charset=utf-8'])
    expect(valuesOf(codec.encode(eventWith(), 1), 'content-type')).toEqual(['application/octet-stream'])
    expect(valuesOf(kafkaCodec().encode(eventWith(), 1), 'content-type')).toEqual(['text/plain'])
  })

  test('T29 a content type that breaks its grammar is not sent, and counted', () => {
    let dropped = 0
    const codec = kafkaCodec({ onDropped: (_, count) => (dropped += count) })
    const flat = codec.encode(eventWith({ contentType: 'text/plain\r\nX-Evil: 1' }), 1)
    expect(valuesOf(flat, 'content-type')).toEqual(['text/plain'])
    expect(dropped).toBe(1)
  })

  test('T29 a topic and an id that are not plain are percent-encoded and listed', () => {
    const flat = kafkaCodec().encode(eventWith({ topic: 'bestellung-grün', id: 'a\r\nb' }), 1)
    expect(valuesOf(flat, 'x-topic')).toEqual(['bestellung-gr%C3%BCn'])
    expect(valuesOf(flat, 'x-event-id')).toEqual(['a%0D%0Ab'])
    expect(valuesOf(flat, 'idempotency-key')).toEqual(['a%0D%0Ab'])
    expect(valuesOf(flat, 'x-millrace-encoded')).toEqual(['X-Topic, X-Event-Id, Idempotency-Key'])
  })

  test('an endless id keeps its beginning and stays distinct', () => {
    const codec = kafkaCodec()
    const ids = ['x'.repeat(5000), `${'x'.repeat(5000)}y`, 'ü'.repeat(3000)].map(
      (id) => valuesOf(codec.encode(eventWith({ id }), 1), 'x-event-id')[0] ?? '',
    )
    expect(new Set(ids).size).toBe(3)
    expect(ids.every((id) => id.length <= 1024 && id.length > 64)).toBe(true)
    expect(ids[0]).toMatch(/^x+\.[0-9a-f]{64}$/)
  })
})

describe('a message’s own headers', () => {
  test('get the prefix; printable ASCII goes unchanged, blanks inside included', () => {
    const { rest, dropped } = forwarded([
      ['tenant', 'acme & sons 100% "ok"'],
      ['X-Trace', '  outer blanks are trimmed '],
      ['raw', bytes(0x61, 0x20, 0x62)],
      ['empty', ''],
    ])
    expect(rest).toEqual([
      ['X-Kafka-tenant', 'acme & sons 100% "ok"'],
      ['X-Kafka-X-Trace', 'outer blanks are trimmed'],
      ['X-Kafka-raw', 'a b'],
      ['X-Kafka-empty', ''],
    ])
    expect(dropped()).toBe(0)
  })

  test('T29 anything else is percent-encoded as a whole, byte by byte, and its name listed', () => {
    const { rest } = forwarded([
      ['city', 'Köln 100%'],
      ['bin', bytes(0, 10, 13, 0xff, 0x41)],
      ['nul', 'a\0b'],
      ['tab', 'a\tb'],
    ])
    expect(rest).toEqual([
      ['X-Kafka-city', 'K%C3%B6ln%20100%25'],
      ['X-Kafka-bin', '%00%0A%0D%FFA'],
      ['X-Kafka-nul', 'a%00b'],
      ['X-Kafka-tab', 'a%09b'],
      ['X-Millrace-Encoded', 'X-Kafka-city, X-Kafka-bin, X-Kafka-nul, X-Kafka-tab'],
    ])
  })

  test('a repeated name stays repeated, and is encoded wholly or not at all', () => {
    expect(
      forwarded([
        ['a', '1'],
        ['b', 'x'],
        ['A', '2'],
      ]).rest,
    ).toEqual([
      ['X-Kafka-a', '1'],
      ['X-Kafka-b', 'x'],
      ['X-Kafka-A', '2'],
    ])
    expect(
      forwarded([
        ['a', '50%'],
        ['b', '50%'],
        ['A', 'ü'],
      ]).rest,
    ).toEqual([
      ['X-Kafka-a', '50%25'],
      ['X-Kafka-b', '50%'],
      ['X-Kafka-A', '%C3%BC'],
      ['X-Millrace-Encoded', 'X-Kafka-A'],
    ])
  })

  test('T29 names that are no tokens are encoded into tokens', () => {
    const { rest } = forwarded([['sch lüssel\r\n', 'v']])
    expect(rest).toEqual([['X-Kafka-sch%20l%C3%BCssel%0D%0A', 'v']])
  })

  test.each([
    'Host',
    'Content-Length',
    'content-LENGTH',
    'Transfer-Encoding',
    'Connection',
    'Keep-Alive',
    'TE',
    'Trailer',
    'Upgrade',
    'Proxy-Connection',
    'Expect',
    'Authorization',
    'Cookie',
    'Set-Cookie',
    'Proxy-Authorization',
    'Accept',
    'Accept-Encoding',
    'Forwarded',
    'X-Forwarded-For',
    'x-forwarded-anything',
    'X-Start-Time',
    'X-Callback-Url',
    'X-Timeout',
    'X-OpenFaaS-Internal',
    'ce-datacontenttype',
  ])('T30 %s is not sent, with or without a prefix, and counted', (name) => {
    for (const headerPrefix of ['X-Kafka-', '']) {
      const { rest, dropped } = forwarded(
        [
          [name, 'v'],
          ['kept', 'v'],
        ],
        { headerPrefix },
      )
      expect(rest).toEqual([[`${headerPrefix}kept`, 'v']])
      expect(dropped()).toBe(1)
    }
  })

  test('T30 a prefix must not make a denied name out of a harmless one', () => {
    expect(forwarded([['For', '10.0.0.1']], { headerPrefix: 'X-Forwarded-' }).rest).toEqual([])
  })

  test('a name that is ours goes out under a second name', () => {
    const headers = [
      ['X-Topic', 'spoofed'],
      ['user-agent', 'curl'],
      ['X-Delivery-Attempt', '99'],
    ] as const
    expect(forwarded(headers, { headerPrefix: '' }).rest).toEqual([
      ['X-Kafka-Header-X-Topic', 'spoofed'],
      ['X-Kafka-Header-User-agent', 'curl'],
      ['X-Kafka-Header-X-Delivery-Attempt', '99'],
    ])
  })

  test('a name of the event’s attributes, or reserved by the source, goes out under a second name', () => {
    const { rest } = forwarded(
      [
        ['partition', 'spoofed'],
        ['Key', 'spoofed'],
        ['Other', 'v'],
      ],
      { reservedNames: ['X-Kafka-Key'] },
      [['X-Kafka-Partition', '3']],
    )
    expect(rest).toEqual([
      ['X-Kafka-Partition', '3'],
      ['X-Kafka-Header-Partition', 'spoofed'],
      ['X-Kafka-Header-Key', 'spoofed'],
      ['X-Kafka-Other', 'v'],
    ])
  })

  test('an event that another source took in has the names of that source', () => {
    const naming = { prefix: 'X-Rabbitmq-Header-', reserved: ['X-Rabbitmq-Header-Id'] }
    const headers = [
      ['tenant', 'blue'],
      ['id', 'spoofed'],
      ['ce-type', 't'],
      ['content-length', '9'],
    ] as const
    const event = eventWith({ headers, attributes: [['X-Rabbitmq-Exchange', 'e']] })
    const named = (from: typeof event): unknown => pairs(kafkaCodec({ headerPrefix: '' }).encode(from, 1)).slice(7)
    expect(named({ ...event, naming })).toEqual([
      ['X-Rabbitmq-Exchange', 'e'],
      ['X-Rabbitmq-Header-tenant', 'blue'],
      ['X-Rabbitmq-Header-Id', 'spoofed'],
      ['ce-type', 't'],
    ])
    expect(named(event)).toContainEqual(['tenant', 'blue'])
  })

  test('names of other sources do not pile up', () => {
    const codec = kafkaCodec()
    for (let n = 0; n < 100; n += 1) {
      const event = eventWith({ headers: [['a', '1']], naming: { prefix: `X-S${n}-`, reserved: [] } })
      expect(pairs(codec.encode(event, 1)).at(-1)).toEqual([`X-S${n}-a`, '1'])
    }
  })

  test('T30 10,000 headers: the first 64 go, the rest is counted', () => {
    const { rest, dropped } = forwarded(Array.from({ length: 10_000 }, (_, index) => [`h${index}`, 'v'] as const))
    expect(rest).toHaveLength(64)
    expect(dropped()).toBe(10_000 - 64)
  })

  test('T30 a header of 1 MB is dropped and takes no other with it', () => {
    const { rest, dropped } = forwarded([
      ['big', 'x'.repeat(1_000_000)],
      ['x'.repeat(1_000_000), 'v'],
      ['blob', new Uint8Array(1_000_000)],
      ['small', 'v'],
    ])
    expect(rest).toEqual([['X-Kafka-small', 'v']])
    expect(dropped()).toBe(3)
  })

  test('all together stay under the limit', () => {
    const { flat, dropped } = forwarded(Array.from({ length: 60 }, (_, index) => [`h${index}`, 'ü'.repeat(300)] as const))
    const size = flat.reduce((sum, text) => sum + text.length + 2, 0)
    expect(size).toBeLessThanOrEqual(14_336)
    expect(dropped()).toBeGreaterThan(0)
  })
})

describe('CloudEvents', () => {
  test('ce-* keep their names and are encoded by the CloudEvents rule', () => {
    const { rest } = forwarded([['ce-subject', 'Euro € "100%" x']], {}, [['ce-id', 'a b']])
    expect(rest).toEqual([
      ['ce-id', 'a%20b'],
      ['ce-subject', 'Euro%20%E2%82%AC%20%22100%25%22%20x'],
    ])
  })

  test('T30 a spoofed ce-* does not take the place of the source’s', () => {
    const { rest } = forwarded([['CE-ID', 'spoofed']], {}, [['ce-id', 'real']])
    expect(rest).toEqual([
      ['ce-id', 'real'],
      ['X-Kafka-Header-CE-ID', 'spoofed'],
    ])
  })
})

describe('attributes', () => {
  test('T30 frame nothing, carry no credentials and replace nothing of ours', () => {
    const { rest, dropped } = forwarded([], {}, [
      ['Content-Length', '3'],
      ['Authorization', 'x'],
      ['X-Topic', 'x'],
      ['X-Call-Id', 'c1'],
      ['X-Callback-Url', 'http://x'],
    ])
    expect(rest).toEqual([
      ['X-Call-Id', 'c1'],
      ['X-Callback-Url', 'http://x'],
    ])
    expect(dropped()).toBe(3)
  })
})

describe('trace context', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

  test('keeps its names, also as bytes', () => {
    const { rest } = forwarded([
      ['TraceParent', Buffer.from(traceparent)],
      ['tracestate', 'a=1'],
      ['tracestate', 'b=2'],
    ])
    expect(rest).toEqual([
      ['traceparent', traceparent],
      ['tracestate', 'a=1,b=2'],
    ])
  })

  test('is dropped when malformed, and the state with it', () => {
    const { rest, dropped } = forwarded([
      ['traceparent', `${traceparent}\r\nX-Evil: 1`],
      ['tracestate', 'a=1'],
    ])
    expect(rest).toEqual([])
    expect(dropped()).toBe(2)
  })

  test('two traceparents are none', () => {
    expect(
      forwarded([
        ['traceparent', traceparent],
        ['traceparent', traceparent],
      ]).rest,
    ).toEqual([])
  })

  test('the source’s own wins as a whole', () => {
    const own = traceparent.replace('b7ad', 'c8be')
    expect(
      forwarded(
        [
          ['traceparent', traceparent],
          ['tracestate', 'a=1'],
        ],
        {},
        [['traceparent', own]],
      ).rest,
    ).toEqual([['traceparent', own]])
  })

  test('baggage goes only where it is asked for', () => {
    expect(forwarded([['baggage', 'user=1']]).rest).toEqual([])
    expect(
      forwarded(
        [
          ['baggage', 'user=1;p'],
          ['baggage', 'b=2'],
        ],
        { baggage: true },
      ).rest,
    ).toEqual([['baggage', 'user=1;p,b=2']])
    expect(forwarded([['baggage', 'user']], { baggage: true }).rest).toEqual([])
  })
})
