import { runProgram } from '@millrace/sdk'
import { describe, expect, it } from 'vitest'
import { cronSettings, cronSource } from '@millrace/cron-connector'

const print = async (env: Record<string, string>): Promise<{ code: number; out: string; err: string }> => {
  let [out, err] = ['', '']
  const code = await runProgram(
    { name: 'millrace-cron-connector', about: 'test', settings: cronSettings, source: () => cronSource() },
    { argv: ['--print-config'], env, out: (text) => (out += text), err: (text) => (err += text) },
  )
  return { code, out, err }
}

describe('the settings of the cron connector', () => {
  it('have defaults, and take the container zone from TZ', async () => {
    const { code, out } = await print({ gateway_url: 'http://127.0.0.1:8080', TZ: 'Asia/Tokyo', catch_up_window: '1h' })
    expect(code).toBe(0)
    expect(out).toMatch(/timezone.*Asia\/Tokyo/)
    expect(out).toMatch(/catch_up.*last/)
  })

  it('a TZ that is no IANA name is left alone', async () => {
    const { code, out } = await print({ gateway_url: 'http://127.0.0.1:8080', TZ: ':/etc/localtime' })
    expect(code).toBe(0)
    expect(out).toMatch(/timezone.*UTC/)
  })

  it('what is wrong is named, all at once', async () => {
    const { code, err } = await print({ gateway_url: 'http://127.0.0.1:8080', timezone: 'Mars/Phobos', overlap: 'replace', jitter: '5' })
    expect(code).toBe(2)
    for (const name of ['timezone', 'overlap', 'jitter']) expect(err).toContain(name)
  })

  it('a zone that does not exist is refused by the source too', () => {
    expect(() => cronSource({ timezone: 'Mars/Phobos' })).toThrow('E_CRON_SCHEDULE')
  })
})
