// The mock's answers for hosts, metric details, keys, status and what is not kept. `?mock_hosts=2000` on a request, or
// GALGO_MOCK_HOSTS, makes the fleet as large as one wants to see it. Development only.
import type { Call, Handlers, Reply } from './mock.ts'
import { hostRuns, isGalgo } from './mock-integrations.ts'
import { HOSTS, METRICS, seriesOf, unitOf, valueAt } from './mock-data.ts'
import type { MockHost, MockMetric } from './mock-data.ts'
import { groupBy } from '../src/ui/group-by.ts'
import { readForm } from '../src/query/form.ts'

const OWN = '/api/galgo/v1'
const DEFAULT_FLEET = Number(process.env.GALGO_MOCK_HOSTS ?? 30)
const seconds = () => Math.floor(Date.now() / 1000)

const ROLES = ['web', 'api', 'worker', 'db', 'cache', 'queue', 'edge']
const ENVS = ['production', 'production', 'production', 'staging', 'development']
const ZONES = ['eu-west-1a', 'eu-west-1b', 'eu-west-1c', 'us-east-1a', 'us-east-1b']

function made(index: number): MockHost {
  const role = ROLES[(index * 5) % ROLES.length] ?? 'web'
  return {
    name: `${role}-${String(index + 1).padStart(4, '0')}.example.internal`,
    tags: [
      `role:${role}`,
      `env:${ENVS[(index * 3) % ENVS.length] ?? ''}`,
      `availability-zone:${ZONES[index % ZONES.length] ?? ''}`,
      ...(index % 11 === 0 ? [] : [`team:${index % 2 === 0 ? 'platform' : 'payments'}`]),
    ],
  }
}

function fleet(params: URLSearchParams): MockHost[] {
  const size = Number(params.get('mock_hosts') ?? DEFAULT_FLEET)
  return Array.from({ length: size }, (_, index) => HOSTS[index] ?? made(index))
}

/** What users changed since the mock started, by host. */
const userTags = new Map<string, string[]>([['web-01', ['owner:ada', 'maintenance:sundays']]])
const mutes = new Map<string, { end: number | null; message: string }>([
  ['db-04', { end: seconds() + 7200, message: 'disk swap' }],
])
const metadata = new Map<string, Record<string, unknown>>()

const isDown = (index: number) => index % 31 === 7
/** Hosts that no agent reports from: only their tags are known. */
const isSilent = (index: number) => index >= HOSTS.length && index % 17 === 8
const seedOf = (text: string) => {
  let value = 2166136261
  for (const char of text) value = Math.imul(value ^ char.charCodeAt(0), 16777619)
  return (value >>> 0) / 2 ** 32
}

function reading(metric: MockMetric, host: MockHost): number | null {
  return valueAt({ metric, tags: [`host:${host.name}`], seed: seedOf(metric.name + host.name) }, seconds())
}

function metricOf(name: string): MockMetric | undefined {
  const fallback: Record<string, [middle: number, swing: number]> = {
    'system.load.norm.1': [0.6, 0.5],
    'system.load.norm.15': [0.5, 0.3],
    'system.mem.pct_usable': [0.4, 0.3],
  }
  const known = METRICS.find((metric) => metric.name === name)
  const [middle, swing] = fallback[name] ?? []
  if (known || middle === undefined || swing === undefined) return known
  return { name, type: 'gauge', unit: null, per: null, description: '', tags: {}, middle, swing }
}

function loads(host: MockHost) {
  const value = (name: string) => {
    const metric = metricOf(name)
    return metric ? (reading(metric, host) ?? undefined) : undefined
  }
  const idle = value('system.cpu.idle')
  return {
    cpu: idle === undefined ? undefined : 100 - idle,
    iowait: value('system.cpu.iowait'),
    load: value('system.load.norm.15'),
  }
}

const APPS: Record<string, string[]> = {
  web: ['nginx'],
  db: ['postgres'],
  cache: ['redis'],
  queue: ['rabbitmq'],
}

const appsOf = (host: MockHost) => ['agent', ...(APPS[host.name.split('-')[0] ?? ''] ?? []), 'ntp']

function bySource(host: MockHost): Record<string, string[]> {
  const own = userTags.get(host.name) ?? []
  const agent = { Datadog: [`host:${host.name}`, ...host.tags] }
  return own.length > 0 ? { Users: own, ...agent } : agent
}

function metaOf(host: MockHost, index: number) {
  return {
    agent_version: isGalgo(index) ? '0.1.0' : '7.60.1',
    agent_flavor: isGalgo(index) ? 'galgo' : 'agent',
    platform: 'linux',
    machine: 'amd64',
    processor: 'AMD EPYC 7763 64-Core Processor',
    cpuCores: 8,
    nixV: ['debian', '12.7', ''],
    pythonV: '3.12.6',
    'socket-fqdn': `${host.name.split('.')[0] ?? ''}.example.internal`,
    timezones: ['UTC'],
    install_method: { tool: 'ansible', tool_version: 'datadog.datadog 5.3.0' },
  }
}

function hostEntry(host: MockHost, index: number, withMeta: boolean) {
  const mute = mutes.get(host.name)
  return {
    name: host.name,
    host_name: host.name,
    id: index + 1,
    aliases: [host.name, `i-${seedOf(host.name).toString(16).slice(2, 14)}`],
    apps: isSilent(index) ? [] : appsOf(host),
    sources: ['agent'],
    up: !isDown(index),
    is_muted: mute !== undefined,
    mute_timeout: mute?.end ?? null,
    last_reported_time: seconds() - (isDown(index) ? 4100 : 4 + (index % 12)),
    tags_by_source: bySource(host),
    metrics: isSilent(index) || isDown(index) ? {} : loads(host),
    ...(withMeta ? { meta: isSilent(index) ? {} : metaOf(host, index) } : {}),
  }
}

function hostList({ params }: Call): Reply {
  const all = fleet(params)
  const start = Number(params.get('start') ?? 0)
  const count = Math.min(Number(params.get('count') ?? 100), 1000)
  const withMeta = params.get('include_hosts_metadata') === 'true'
  const filter = params.get('filter') ?? ''
  const matching = all
    .map((host, index) => ({ host, index }))
    .filter(({ host }) => host.name.includes(filter) || host.tags.some((tag) => tag.includes(filter)))
  const list = matching.slice(start, start + count).map(({ host, index }) => hostEntry(host, index, withMeta))
  return { body: { host_list: list, total_matching: matching.length, total_returned: list.length } }
}

function checksOf(host: MockHost, index: number) {
  const at = { time: seconds() - 9, tags: [`host:${host.name}`] }
  const checks = [
    { check: 'datadog.agent.up', status: 0, message: '', ...at },
    { check: 'ntp.in_sync', status: 0, message: '', ...at },
  ]
  if (appsOf(host).includes('nginx')) {
    const tags = [...at.tags, 'port:8081', 'nginx_host:127.0.0.1']
    checks.push({ check: 'nginx.can_connect', status: 0, message: '', ...at, tags })
  }
  if (index % 4 === 0) {
    const message = 'Partition /var/lib is mounted read-only'
    checks.push({
      check: 'disk.read_write',
      status: 2,
      message,
      ...at,
      tags: [...at.tags, 'device:/dev/sdb1'],
    })
    checks.push({ check: 'http.certificate', status: 1, message: 'expires in 12 days', ...at })
  }
  return checks
}

function hostDetail({ path, params }: Call): Reply {
  if (path.endsWith('/checks')) return hostRuns({ path, params, body: undefined })
  const name = decodeURIComponent(path.slice(`${OWN}/hosts/`.length))
  const all = fleet(params)
  const index = all.findIndex((host) => host.name === name)
  const host = all[index]
  if (!host) return { status: 404, body: { errors: [`host not found: ${name}`] } }
  const entry = hostEntry(host, index, true)
  const mute = mutes.get(name)
  return {
    body: {
      name,
      aliases: entry.aliases,
      up: entry.up,
      last_seen: entry.last_reported_time,
      agent_version: isSilent(index) ? null : metaOf(host, index).agent_version,
      agent_flavor: 'agent',
      platform: 'linux',
      tags_by_source: entry.tags_by_source,
      meta: entry.meta,
      gohai: isSilent(index)
        ? {}
        : {
            cpu: { model_name: 'AMD EPYC 7763 64-Core Processor', cpu_logical_processors: '8' },
            memory: { total: '16318480kB', swap_total: '2097148kB' },
            network: { ipaddress: `10.0.${index >> 8}.${index % 256}`, macaddress: '06:1f:8a:20:b4:7c' },
            platform: { os: 'GNU/Linux', kernel_name: 'Linux', kernel_release: '6.1.0-25-amd64' },
          },
      inventory: null,
      checks: isSilent(index) ? [] : checksOf(host, index),
      apps: entry.apps,
      muted: mute !== undefined,
      mute_end: mute?.end ?? null,
      mute_message: mute?.message ?? null,
    },
  }
}

function mute({ path, body }: Call): Reply {
  const [, , , , encoded = '', action = ''] = path.split('/')
  const name = decodeURIComponent(encoded)
  if (action === 'unmute') {
    if (!mutes.delete(name)) return { status: 400, body: { errors: [`host:${name} is not muted`] } }
    return { body: { action: 'Unmuted', hostname: name } }
  }
  const { end, message } = (body ?? {}) as { end?: number; message?: string }
  mutes.set(name, { end: end ?? null, message: message ?? '' })
  return { body: { action: 'Muted', hostname: name, end, message } }
}

function hostTags(replace: boolean) {
  return ({ path, body }: Call): Reply => {
    const name = decodeURIComponent(path.slice('/api/v1/tags/hosts/'.length))
    const { tags } = body as { tags: string[] }
    const wrong = tags.find((tag) => tag.length > 200)
    if (wrong)
      return { status: 400, body: { errors: [`tag longer than 200 characters: ${wrong.slice(0, 20)}…`] } }
    userTags.set(name, replace ? tags : [...new Set([...(userTags.get(name) ?? []), ...tags])])
    return { status: 201, body: { host: name, tags: userTags.get(name) } }
  }
}

interface ScalarRequest {
  data: { attributes: { queries: { name: string; query: string }[]; formulas?: { formula: string }[] } }
}

/** One metric grouped by host, and a formula over it. */
function scalar({ body, params }: Call): Reply {
  const { queries, formulas } = (body as ScalarRequest).data.attributes
  const form = readForm(queries[0]?.query ?? '')
  const metric = metricOf(form?.metric ?? '')
  const formula = formulas?.[0]?.formula ?? 'a'
  if (/[^a\d\s.+\-*/()]/.test(formula))
    return { status: 400, body: { errors: [`unexpected formula: ${formula}`] } }
  const run = new Function('a', `return (${formula})`) as (a: number) => number
  const hosts = metric ? fleet(params).filter((_, index) => !isSilent(index) && !isDown(index)) : []
  const values = hosts.map((host) => {
    const value = metric ? reading(metric, host) : null
    return value === null ? null : run(value)
  })
  const unit = metric && formula === 'a' ? [unitOf(metric.unit), unitOf(metric.per)] : null
  const columns = [
    { name: 'host', type: 'group', values: hosts.map(({ name }) => [name]) },
    { name: 'a', type: 'number', values, meta: { unit } },
  ]
  return { body: { data: { id: '0', type: 'scalar_response', attributes: { columns } } } }
}

function metricDocument(metric: MockMetric) {
  const series = seriesOf(metric)
  return {
    name: metric.name,
    type: metric.type,
    unit: metric.unit,
    per_unit: metric.per,
    description: metric.description,
    interval: 15,
    series: series.length,
    hosts: new Set(series.map(({ tags }) => tags[0])).size,
    last_seen: seconds() - 9,
    ...metadata.get(metric.name),
  }
}

function metricList({ params }: Call): Reply {
  const tag = params.get('tag')
  const hasTag = (metric: MockMetric) =>
    !tag || seriesOf(metric).some(({ tags }) => tag.split(',').every((wanted) => tags.includes(wanted)))
  const found = METRICS.filter((metric) => metric.name.includes(params.get('q') ?? '') && hasTag(metric))
  const limit = Number(params.get('limit') ?? 100)
  return { body: { metrics: found.slice(0, limit).map(metricDocument), total: found.length, cursor: null } }
}

function metricDetail({ path }: Call): Reply {
  const name = decodeURIComponent(path.slice(`${OWN}/metrics/`.length))
  const metric = METRICS.find((entry) => entry.name === name)
  if (!metric) return { status: 404, body: { errors: [`metric not found: ${name}`] } }
  const series = seriesOf(metric)
  const keys = new Map<string, Set<string>>()
  for (const tag of series.flatMap(({ tags }) => tags)) {
    const at = tag.indexOf(':')
    keys.set(tag.slice(0, at), (keys.get(tag.slice(0, at)) ?? new Set()).add(tag.slice(at + 1)))
  }
  const hosts = groupBy(series, ({ tags }) => tags[0]?.slice('host:'.length) ?? '')
  return {
    body: {
      ...metricDocument(metric),
      tags: [...keys].map(([key, values]) => ({ key, values: values.size, top: [...values].slice(0, 20) })),
      senders: [...hosts].map(([host, own], index) => ({
        host,
        agent_version: index % 5 === 0 ? '7.58.2' : '7.60.1',
        series: own.length,
        last_seen: seconds() - 9 - index,
      })),
      limit: 10_000,
    },
  }
}

function metricMetadata({ path, body }: Call): Reply {
  const name = decodeURIComponent(path.slice('/api/v1/metrics/'.length))
  const metric = METRICS.find((entry) => entry.name === name)
  if (!metric) return { status: 404, body: { errors: [`metric not found: ${name}`] } }
  if (body) metadata.set(name, { ...metadata.get(name), ...(body as object) })
  const { type, unit, per_unit, description } = metricDocument(metric)
  const answer = { short_name: null, integration: null, statsd_interval: null, ...metadata.get(name) }
  return { body: { ...answer, type, unit: unit || null, per_unit: per_unit || null, description } }
}

interface MockKey {
  id: string
  name: string
  last4: string
  owner: string
  created_at: number
  from_configuration: boolean
}

function keyHandlers(kind: string, length: number): Handlers {
  const key = (name: string, age: number, from_configuration = false): MockKey => ({
    id: `${kind}-${name}`,
    name,
    last4: Math.floor(seedOf(kind + name) * 65_536)
      .toString(16)
      .padStart(4, '0'),
    owner: 'admin',
    created_at: seconds() - age,
    from_configuration,
  })
  let keys = [
    key('first start', 86_400 * 40),
    key('web servers', 86_400 * 3),
    key('deploy script', 7200, true),
  ]
  return {
    [`GET ${OWN}/${kind}`]: () => ({ body: { keys } }),
    [`POST ${OWN}/${kind}`]: ({ body }) => {
      const { name } = body as { name: string }
      const secret = Array.from({ length }, (_, index) =>
        Math.floor(seedOf(`${name}${index}`) * 16).toString(16),
      ).join('')
      const added = { ...key(name, 0), id: `${kind}-${Date.now()}`, last4: secret.slice(-4) }
      keys = [...keys, added]
      return { status: 201, body: { ...added, key: secret } }
    },
    [`DELETE ${OWN}/${kind}/`]: ({ path }) => {
      const id = decodeURIComponent(path.split('/').at(-1) ?? '')
      keys = keys.filter((entry) => entry.id !== id)
      return {}
    },
  }
}

function notKept({ params }: Call): Reply {
  if (params.get('mock_empty')) return { body: { paths: [], dropped: [] } }
  const row = (
    path: string,
    what: string,
    why: string,
    requests: number,
    bytes: number,
    senders: string[],
  ) => ({
    method: 'POST',
    path,
    what,
    why,
    requests,
    bytes,
    first_seen: seconds() - 86_400 * 4,
    last_seen: seconds() - 11,
    senders,
  })
  const agent = ['datadog-agent/7.60.1', 'datadog-agent/7.58.2']
  return {
    body: {
      paths: [
        row('/api/v1/collector', 'processes', 'not stored yet', 34_211, 812_000_000, agent),
        row('/api/v0.2/traces', 'traces', 'not stored yet', 9120, 91_000_000, agent.slice(0, 1)),
        row(
          '/api/v2/apmtelemetry',
          'telemetry of tracers and agents about themselves',
          'belongs to the hosted service',
          4402,
          9_100_000,
          [...agent, 'Datadog Tracer/2.14.1'],
        ),
        row(
          '/api/intake/metrics/v3beta/series',
          'metrics',
          'a copy of what the sender also sends to a path that is kept',
          210,
          1_200_000,
          agent,
        ),
      ],
      dropped: [
        {
          reason: 'tag longer than 200 bytes',
          count: 1204,
          example: 'sql_query:select id, name, created_at from orders where customer in (1, 2, 3…',
          last_seen: seconds() - 70,
        },
        {
          reason: 'point older than the retention',
          count: 12,
          example: 'app.batch.rows at 2023-01-04T00:00:00Z',
          last_seen: seconds() - 8600,
        },
      ],
    },
  }
}

let failures = 0

export const inventoryHandlers: Handlers = {
  [`POST ${OWN}/login`]: ({ body }) => {
    const { user, password } = body as { user: string; password: string }
    if (user === 'locked')
      return { status: 429, body: { errors: ['too many failed logins, try again in 42 s'] } }
    if (password === 'wrong') {
      failures += 1
      if (failures > 50)
        return { status: 429, body: { errors: ['too many failed logins, try again in 5 s'] } }
      return { status: 401, body: { errors: ['wrong user name or password'] } }
    }
    return {}
  },
  'GET /api/v1/hosts': hostList,
  [`GET ${OWN}/hosts/`]: hostDetail,
  'POST /api/v1/host/': mute,
  'POST /api/v1/tags/hosts/': hostTags(false),
  'PUT /api/v1/tags/hosts/': hostTags(true),
  'DELETE /api/v1/tags/hosts/': ({ path }) => {
    userTags.delete(decodeURIComponent(path.slice('/api/v1/tags/hosts/'.length)))
    return {}
  },
  'POST /api/v2/query/scalar': scalar,
  [`GET ${OWN}/metrics`]: metricList,
  [`GET ${OWN}/metrics/`]: metricDetail,
  'GET /api/v1/metrics/': metricMetadata,
  'PUT /api/v1/metrics/': metricMetadata,
  [`GET ${OWN}/not-kept`]: notKept,
  ...keyHandlers('api-keys', 32),
  ...keyHandlers('application-keys', 40),
  [`GET ${OWN}/status`]: () => ({
    body: {
      uptime: 86_400 * 3 + 4 * 3600,
      version: '0.1.0',
      series: METRICS.reduce((total, metric) => total + seriesOf(metric).length, 0),
      points: 184_230_112,
      wal_bytes: 18_400_000,
      segments: 42,
      disk_bytes: 440_300_000,
      ingest: { points_per_second: 812.4 },
      checks: [
        { check: 'catalogue', status: 0, message: '' },
        { check: 'metric store', status: 0, message: '' },
        { check: 'series limits', status: 1, message: '12 series refused since the start' },
      ],
    },
  }),
}
