import type { OperationConfig } from './core-config.ts'
import { boolean, choice, duration, integer, list, path, text } from './schema.ts'
import { optionalSetting, setting } from './setting.ts'
import type { Component, Setting } from './setting.ts'

const logSwitch = (name: string, describe: string, ignored?: string): Setting<boolean> =>
  setting({
    name,
    type: boolean(),
    default: 'false',
    describe,
    example: 'true',
    ...(ignored === undefined ? {} : { warn: (value: boolean) => (value ? ignored : undefined) }),
  })

const noPayloads = 'payloads are never logged; the setting is accepted and ignored'

/** The admin server, metrics and logs. */
export const operationSettings: Component<OperationConfig>['settings'] = {
  adminHost: setting({
    name: 'admin_host',
    type: text({ maxLength: 255, pattern: /^[\w.:-]+$/, allowed: 'an address or a host name' }),
    default: '0.0.0.0',
    describe: 'Address of the admin server: probes, metrics, configuration.',
    example: '127.0.0.1',
  }),
  adminPort: setting({
    name: 'admin_port',
    type: integer(0, 65_535),
    default: '8081',
    describe: 'Port of the admin server; 0 takes a free one.',
    example: '9090',
  }),
  loopLimitMs: setting({
    name: 'loop_limit',
    type: duration('100ms', '1h'),
    default: '20s',
    describe: 'An event loop that was blocked for longer makes `/livez` say no for a minute.',
    example: '30s',
  }),
  metricsTopics: setting({
    name: 'metrics_topics',
    type: list({ allowed: 'a comma list of topics', maxItems: 1000 }),
    default: '',
    describe: 'Topics with a metric label of their own; others count as `_other`. Empty: the first hundred.',
    example: 'orders,payments',
  }),
  metricsCompat: setting({
    name: 'metrics_compat',
    type: choice(['none', 'pro']),
    default: 'none',
    describe: 'With `pro` some metrics are also there under the names of the OpenFaaS Pro connectors, for their dashboards and alerts.',
    example: 'pro',
  }),
  debug: setting({
    name: 'debug',
    type: boolean(),
    default: 'false',
    describe: 'Log every attempt.',
    example: 'true',
    foreign: (variable, value) =>
      variable === 'DEBUG' && !/^(?:1|0|true|false)$/i.test(value.trim()) ? 'it has the form of the npm package debug' : undefined,
  }),
  logEncoding: setting({
    name: 'log_encoding',
    type: choice(['json', 'console']),
    default: 'json',
    describe: 'One JSON object a line, or lines for people.',
    example: 'console',
  }),
  printResponse: logSwitch('print_response', 'Log the status and the time of every invocation.'),
  printResponseBody: logSwitch('print_response_body', 'Accepted for existing deployments and ignored.', noPayloads),
  printRequestBody: logSwitch('print_request_body', 'Accepted for existing deployments and ignored.', noPayloads),
  printSync: logSwitch('print_sync', 'Log every reading of the topic map, also when nothing has changed.'),
  licenseFile: optionalSetting({
    name: 'license_file',
    type: path(),
    describe: 'Accepted for deployments of OpenFaaS Pro connectors and ignored.',
    example: '/var/secrets/license',
    warn: () => 'Millrace needs no licence; the setting is ignored',
  }),
}
