// Synthetic hosts and metrics: the same for everyone, moving with the clock. Development only.

export interface MockMetric {
  name: string
  type: 'gauge' | 'rate' | 'count'
  unit: string | null
  per: string | null
  description: string
  /** Values of further tags; one series per host and value. */
  tags: Record<string, string[]>
  /** Where values move: middle and swing. */
  middle: number
  swing: number
}

export interface MockHost {
  name: string
  tags: string[]
}

const ROLES = ['web', 'web', 'web', 'db', 'db', 'cache', 'queue', 'worker', 'worker', 'worker']
const ZONES = ['eu-west-1a', 'eu-west-1b', 'eu-west-1c']

export const HOSTS: MockHost[] = Array.from({ length: 24 }, (_, index) => {
  const role = ROLES[index % ROLES.length] ?? 'web'
  return {
    name: `${role}-${String(index + 1).padStart(2, '0')}`,
    tags: [
      `role:${role}`,
      `env:${index % 6 === 5 ? 'staging' : 'production'}`,
      `availability-zone:${ZONES[index % 3] ?? ''}`,
      'team:platform',
    ],
  }
})

const device = { device: ['/dev/sda1', '/dev/sdb1'] }
const net = { device: ['eth0', 'eth1'] }

type Row = [
  name: string,
  unit: string | null,
  per: string | null,
  middle: number,
  swing: number,
  tags?: Record<string, string[]>,
]

const ROWS: Row[] = [
  ['system.cpu.user', 'percent', null, 28, 22],
  ['system.cpu.system', 'percent', null, 9, 6],
  ['system.cpu.iowait', 'percent', null, 3, 3],
  ['system.cpu.idle', 'percent', null, 60, 25],
  ['system.cpu.stolen', 'percent', null, 0.2, 0.2],
  ['system.cpu.num_cores', 'core', null, 8, 0],
  ['system.load.1', null, null, 2.4, 1.8],
  ['system.load.5', null, null, 2.2, 1.1],
  ['system.load.15', null, null, 2, 0.7],
  ['system.mem.total', 'mebibyte', null, 16384, 0],
  ['system.mem.used', 'mebibyte', null, 9800, 1900],
  ['system.mem.usable', 'mebibyte', null, 6100, 1500],
  ['system.mem.free', 'mebibyte', null, 1900, 800],
  ['system.mem.cached', 'mebibyte', null, 3900, 700],
  ['system.swap.used', 'mebibyte', null, 120, 40],
  ['system.disk.in_use', 'fraction', null, 0.61, 0.04, device],
  ['system.disk.used', 'kibibyte', null, 61_000_000, 900_000, device],
  ['system.io.await', 'millisecond', null, 4.2, 3.9, device],
  ['system.io.util', 'percent', null, 21, 18, device],
  ['system.net.bytes_rcvd', 'byte', 'second', 1_800_000, 1_500_000, net],
  ['system.net.bytes_sent', 'byte', 'second', 950_000, 800_000, net],
  ['system.uptime', 'second', null, 2_400_000, 0],
  ['nginx.net.request_per_s', 'request', 'second', 340, 250],
  ['nginx.net.connections', 'connection', null, 82, 40],
  ['postgresql.connections', 'connection', null, 44, 20],
  ['redis.net.commands', 'operation', 'second', 2100, 1400],
  [
    'app.request.duration',
    'second',
    null,
    0.084,
    0.06,
    { endpoint: ['/login', '/search', '/checkout', '/api/items'] },
  ],
  [
    'app.request.count',
    'request',
    null,
    120,
    90,
    { endpoint: ['/login', '/search', '/checkout', '/api/items'], status: ['2xx', '5xx'] },
  ],
  ['app.queue.depth', 'item', null, 14, 14],
]

export const METRICS: MockMetric[] = ROWS.map(([name, unit, per, middle, swing, tags = {}]) => ({
  name,
  type: per !== null ? 'rate' : name.endsWith('.count') ? 'count' : 'gauge',
  unit,
  per,
  description: `Synthetic ${name.split('.').slice(1).join(' ')}`,
  tags,
  middle,
  swing,
}))

const UNITS: Record<string, [family: string, short: string, scale: number]> = {
  percent: ['percentage', '%', 1],
  fraction: ['percentage', '', 100],
  core: ['cpu', 'core', 1],
  byte: ['bytes', 'B', 1],
  kibibyte: ['bytes', 'KiB', 1024],
  mebibyte: ['bytes', 'MiB', 1024 ** 2],
  millisecond: ['time', 'ms', 1e-3],
  second: ['time', 's', 1],
  request: ['network', 'req', 1],
  connection: ['network', 'conn', 1],
  operation: ['general', 'op', 1],
  item: ['general', '', 1],
}

export function unitOf(name: string | null) {
  if (name === null) return null
  const [family, short, scale] = UNITS[name] ?? ['general', '', 1]
  const id = Object.keys(UNITS).indexOf(name) + 1
  return { id, family, name, plural: `${name}s`, short_name: short, scale_factor: scale }
}

export interface MockSeries {
  metric: MockMetric
  tags: string[]
  seed: number
}

function seedOf(text: string): number {
  let value = 2166136261
  for (const char of text) value = Math.imul(value ^ char.charCodeAt(0), 16777619)
  return (value >>> 0) / 2 ** 32
}

function combinations(tags: Record<string, string[]>): string[][] {
  return Object.entries(tags).reduce<string[][]>(
    (rows, [key, values]) => rows.flatMap((row) => values.map((value) => [...row, `${key}:${value}`])),
    [[]],
  )
}

/** Which hosts a metric lives on: `nginx` on web hosts only, and so on. */
function hostsOf(metric: MockMetric): MockHost[] {
  const role = { nginx: 'web', postgresql: 'db', redis: 'cache', app: 'web' }[metric.name.split('.')[0] ?? '']
  return role === undefined ? HOSTS : HOSTS.filter((host) => host.tags.includes(`role:${role}`))
}

export function seriesOf(metric: MockMetric): MockSeries[] {
  return hostsOf(metric).flatMap((host) =>
    combinations(metric.tags).map((own) => {
      const tags = [`host:${host.name}`, ...host.tags, ...own]
      return { metric, tags, seed: seedOf(metric.name + tags.join()) }
    }),
  )
}

const HOUR = 3600

/** The value at a unix second; null where the host was silent. */
export function valueAt({ metric, seed, tags }: MockSeries, second: number): number | null {
  // One host pauses for some minutes of every hour, so that gaps can be seen.
  if (tags.includes('host:cache-06') && second % HOUR > 1500 && second % HOUR < 2000) return null
  if (metric.name === 'system.uptime') return metric.middle + (second % 1e6)
  const slow = Math.sin(second / 5200 + seed * 40)
  const fast = Math.sin(second / 310 + seed * 91) * 0.5
  const noise = (Math.abs(Math.sin(second * 12.9898 + seed * 78.233) * 43758.5453) % 1) - 0.5
  const level = metric.middle * (0.7 + seed * 0.6)
  const value = level + metric.swing * (slow * 0.5 + fast * 0.3 + noise * 0.35)
  const capped =
    metric.unit === 'percent' ? Math.min(100, value) : metric.unit === 'fraction' ? Math.min(1, value) : value
  return Math.max(0, capped)
}
