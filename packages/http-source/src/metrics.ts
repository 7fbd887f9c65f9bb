import type { MetricsTable } from '@millrace/sdk'

/** The source's own metrics: rows for `runProgram` or `startHost`. */
export const httpMetrics: MetricsTable = {
  millrace_http_requests_total: {
    type: 'counter',
    help: 'Requests answered, by status, from the first connect on. What is no HTTP at all is not among them.',
    labels: ['status'],
  },
  millrace_http_waiting_clients: {
    type: 'gauge',
    help: 'Clients that wait for the results of their events.',
    labels: [],
  },
}
