// Answers the page's API from seeded synthetic data, for work on the page without a server. Development only.
import type { Connect, Plugin } from 'vite'
import type { TimeseriesRequest } from '../src/api/types'
import { HOSTS, METRICS, seriesOf } from './mock-data.ts'
import { inventoryHandlers } from './mock-inventory.ts'
import { integrationHandlers } from './mock-integrations.ts'
import { evaluate, evaluateFormula, QueryError, stepFor } from './mock-query.ts'
import type { MockResult } from './mock-query.ts'

export interface Reply {
  status?: number
  body?: unknown
}

export interface Call {
  params: URLSearchParams
  body: unknown
  path: string
}

/** Keyed by `METHOD /path`; a key that ends in `/` answers everything below it. */
export type Handlers = Record<string, (call: Call) => Reply>

const OWN = '/api/galgo/v1'
const seconds = () => Math.floor(Date.now() / 1000)
const limitOf = (params: URLSearchParams, fallback: number) => Number(params.get('limit') ?? fallback)

function functions() {
  const query = { name: 'query', kind: 'query', required: true }
  const define = (form: string, family: string, name: string, summary: string, own: object[] = []) => {
    const args = [query, ...own]
    return { name, aliases: [], family, form, args, summary, usage: `${name}(query)`, in_monitors: true }
  }
  const choice = (name: string, choices: string[], required = false) => ({
    name,
    kind: 'choice',
    required,
    choices,
  })
  const number = (name: string, required = true) => ({ name, kind: 'number', required })
  return [
    define('call', 'arithmetic', 'abs', 'absolute value'),
    define('call', 'arithmetic', 'cumsum', 'running total from the left edge of the window'),
    define('call', 'interpolation', 'default_zero', 'empty buckets become 0'),
    define('call', 'rate', 'per_second', 'rate of change per second'),
    define('call', 'rate', 'diff', 'difference to the bucket before'),
    define('call', 'rate', 'derivative', 'difference per second, may be negative'),
    define('call', 'smoothing', 'ewma_5', 'exponential moving average over 5 points'),
    define('call', 'timeshift', 'hour_before', 'the same an hour earlier'),
    define('call', 'timeshift', 'week_before', 'the same a week earlier'),
    define('call', 'rank', 'top', 'the highest groups', [
      number('count'),
      choice('by', ['mean', 'max', 'min', 'sum', 'last', 'area', 'l2norm']),
      choice('order', ['desc', 'asc']),
    ]),
    define('call', 'exclusion', 'exclude_null', 'drops groups with N/A in a tag'),
    define('call', 'exclusion', 'clamp_min', 'lower values become this', [number('limit')]),
    define('call', 'exclusion', 'clamp_max', 'higher values become this', [number('limit')]),
    define('method', 'rollup', 'rollup', 'bucket size and how points within a bucket are combined', [
      { name: 'aggregator', kind: 'any', required: true },
      { name: 'interval', kind: 'any', required: false },
    ]),
    define('method', 'rollup', 'as_count', 'counts per bucket'),
    define('method', 'rollup', 'as_rate', 'counts per second'),
    define('method', 'interpolation', 'fill', 'what stands in empty places', [
      choice('method', ['linear', 'last', 'zero', 'null'], true),
      number('limit', false),
    ]),
  ]
}

function tagsOf(metric: string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  for (const entry of METRICS.filter(({ name }) => metric === '' || name === metric)) {
    for (const series of seriesOf(entry)) {
      for (const tag of series.tags) {
        const at = tag.indexOf(':')
        const key = tag.slice(0, at)
        found.set(key, (found.get(key) ?? new Set()).add(tag.slice(at + 1)))
      }
    }
  }
  return found
}

function timeseries({ body }: Call): Reply {
  const { attributes } = (body as TimeseriesRequest).data
  const step = (attributes.interval ?? stepFor((attributes.to - attributes.from) / 1000) * 1000) || 20_000
  const times: number[] = []
  const until = Math.min(attributes.to, Date.now())
  for (let time = Math.ceil(attributes.from / step) * step; time < until; time += step) times.push(time)
  const results: Record<string, MockResult> = {}
  for (const { name, query } of attributes.queries) results[name] = evaluate(query, times)
  const formulas = attributes.formulas ?? attributes.queries.map(({ name }) => ({ formula: name }))
  const all = formulas.map(({ formula }) => evaluateFormula(formula, results))
  const series = all.flatMap(({ groups, unit }, index) =>
    groups.map(({ tags }) => ({ group_tags: tags, query_index: index, unit })),
  )
  const values = all.flatMap(({ groups }) => groups.map((group) => group.values))
  const answer = { series, times: series.length > 0 ? times : [], values }
  return { body: { data: { id: '0', type: 'timeseries_response', attributes: answer } } }
}

function hostEntry(host: (typeof HOSTS)[number], index: number) {
  return {
    name: host.name,
    host_name: host.name,
    id: index + 1,
    aliases: [host.name],
    apps: ['agent', 'ntp'],
    sources: ['agent'],
    up: index !== 7,
    is_muted: false,
    last_reported_time: seconds() - (index === 7 ? 9000 : 12),
    tags_by_source: { Datadog: [`host:${host.name}`, ...host.tags] },
    metrics: { cpu: 20 + ((index * 7) % 60), iowait: index % 5, load: 0.4 + (index % 9) / 3 },
    meta: { agent_version: '7.60.1', platform: 'linux', cpuCores: 8 },
  }
}

export const handlers: Handlers = {
  [`GET ${OWN}/session`]: () => ({
    body: {
      user: { handle: 'admin', name: 'Admin', email: 'admin@example.com', role: 'admin' },
      org: { name: 'Example' },
      version: '0.1.0',
      server_time: seconds(),
    },
  }),
  [`POST ${OWN}/login`]: () => ({}),
  [`POST ${OWN}/logout`]: () => ({}),
  [`GET ${OWN}/functions`]: () => ({ body: functions() }),
  [`GET ${OWN}/status`]: () => ({
    body: {
      uptime: 86_400,
      version: '0.1.0',
      series: METRICS.reduce((total, metric) => total + seriesOf(metric).length, 0),
      points: 184_230_112,
      wal_bytes: 18_400_000,
      segments: 42,
      disk_bytes: 440_300_000,
      ingest: { points_per_second: 812.4 },
      checks: [{ check: 'disk', status: 0 }],
    },
  }),
  [`GET ${OWN}/complete/metrics`]: ({ params }) => {
    const q = (params.get('q') ?? '').toLowerCase()
    const found = METRICS.filter(({ name }) => name.includes(q)).slice(0, limitOf(params, 50))
    return { body: { metrics: found.map(({ name, type, unit }) => ({ name, type, unit })) } }
  },
  [`GET ${OWN}/complete/tag-keys`]: ({ params }) => {
    const tags = tagsOf(params.get('metric') ?? '')
    return { body: { keys: [...tags].map(([key, values]) => ({ key, values: values.size })) } }
  },
  [`GET ${OWN}/complete/tag-values`]: ({ params }) => {
    const values = [...(tagsOf(params.get('metric') ?? '').get(params.get('key') ?? '') ?? [])]
    const q = params.get('q') ?? ''
    return { body: { values: values.filter((value) => value.includes(q)).slice(0, limitOf(params, 50)) } }
  },
  [`GET ${OWN}/metrics`]: ({ params }) => {
    const q = params.get('q') ?? ''
    const found = METRICS.filter(({ name }) => name.includes(q)).map((metric) => ({
      name: metric.name,
      type: metric.type,
      unit: metric.unit,
      per_unit: metric.per,
      description: metric.description,
      interval: 15,
      series: seriesOf(metric).length,
      hosts: new Set(seriesOf(metric).map((series) => series.tags[0])).size,
      last_seen: seconds() - 9,
    }))
    return { body: { metrics: found.slice(0, limitOf(params, 100)), total: found.length, cursor: null } }
  },
  'POST /api/v2/query/timeseries': timeseries,
  'GET /api/v1/hosts': ({ params }) => {
    const filter = params.get('filter') ?? ''
    const matching = HOSTS.map(hostEntry).filter(
      (host) => host.name.includes(filter) || host.tags_by_source.Datadog.some((tag) => tag.includes(filter)),
    )
    const list = matching.slice(0, Number(params.get('count') ?? 100))
    return { body: { host_list: list, total_matching: matching.length, total_returned: list.length } }
  },
  'GET /api/v1/hosts/totals': () => ({ body: { total_active: HOSTS.length, total_up: HOSTS.length - 1 } }),
  ...inventoryHandlers,
  ...integrationHandlers,
}

function find(method: string, path: string) {
  const name = `${method} ${path}`
  const prefix = Object.keys(handlers).find((key) => key.endsWith('/') && name.startsWith(key))
  return handlers[name] ?? handlers[prefix ?? '']
}

function answer(method: string, call: Call): Reply {
  const handler = find(method, call.path)
  if (!handler) return { status: 404, body: { errors: ['Not found'] } }
  try {
    return handler(call)
  } catch (error) {
    if (error instanceof QueryError) return { status: 400, body: { errors: [error.message] } }
    throw error
  }
}

const middleware: Connect.NextHandleFunction = (request, response, next) => {
  const url = new URL(request.url ?? '/', 'http://localhost')
  if (!url.pathname.startsWith('/api/')) {
    next()
    return
  }
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const text = Buffer.concat(chunks).toString()
    const body: unknown = text === '' ? undefined : JSON.parse(text)
    const reply = answer(request.method ?? 'GET', { params: url.searchParams, body, path: url.pathname })
    response.statusCode = reply.status ?? (reply.body === undefined ? 204 : 200)
    response.setHeader('content-type', 'application/json')
    response.end(reply.body === undefined ? '' : JSON.stringify(reply.body))
  })
}

export function mockServer(): Plugin {
  return {
    name: 'galgo-mock',
    configureServer: (server) => void server.middlewares.use(middleware),
    configurePreviewServer: (server) => void server.middlewares.use(middleware),
  }
}
