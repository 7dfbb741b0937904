// The mock's answers for integrations and for what the agent of a host runs. The catalogue is the server's own.
// Development only.
import { readdirSync, readFileSync } from 'node:fs'
import type { CheckInstance, LogSource } from '../src/checks/types.ts'
import type { ExampleFile, Kind, Step } from '../src/integrations/types.ts'
import type { Call, Handlers, Reply } from './mock.ts'
import { HOSTS, METRICS, seriesOf } from './mock-data.ts'

const OWN = '/api/galgo/v1'
const CATALOGUE = new URL('../../crates/api/data/integrations/', import.meta.url)
const seconds = () => Math.floor(Date.now() / 1000)

interface Known {
  name: string
  title: string
  summary: string
  category: string
  kind: Kind
  default: boolean
  metric_prefixes: string[]
  service_checks: string[]
  log_kind?: string
  files: ExampleFile[]
  steps: Step[]
  notes: string[]
}

const KNOWN: readonly Known[] = readdirSync(CATALOGUE)
  .sort()
  .map((file) => JSON.parse(readFileSync(new URL(file, CATALOGUE), 'utf8')) as Known)

const CORE = ['agent', 'cpu', 'disk', 'file_handle', 'io', 'load', 'memory', 'network', 'ntp', 'uptime']

const TRACEBACK = `Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/datadog_checks/base/checks/base.py", line 1235, in run
    self.check(instance)
  File "/etc/galgo-agent/checks.d/queue_length.py", line 14, in check
    self.gauge("queue.length", sum(1 for _ in folder.iterdir()), tags=tags)
PermissionError: [Errno 13] Permission denied: '/var/spool/jobs'
`

/** Hosts with Galgo's own agent say everything, those with Datadog's say little. */
export const isGalgo = (index: number) => index % 3 !== 1
const isOld = (index: number) => index === 7

function instance(host: string, index: number, check: string, at: number): CheckInstance {
  const galgo = isGalgo(index)
  const age = isOld(index) ? 9000 : 4 + ((index * 3 + at) % 14)
  const runs = 2400 + index * 31
  const samples = 3 + ((index + at * 7) % 40)
  const base: CheckInstance = {
    host,
    check,
    instance: CORE.includes(check) ? check : `${check}:${(0x5c57133 * (at + 3) + index).toString(16)}`,
    status: 'OK',
    version: galgo ? '0.1.0' : '',
    last_run: galgo ? seconds() - age : null,
    reported_at: seconds() - (isOld(index) ? 9000 : 40 + index),
    stale: isOld(index),
    source: galgo
      ? CORE.includes(check)
        ? 'built in'
        : `/etc/galgo-agent/conf.d/${check}.d/conf.yaml, instance 1`
      : null,
    loader: galgo ? (check === 'queue_length' ? 'python' : 'core') : '',
    interval_s: galgo ? (check === 'ntp' ? 900 : 15) : 0,
    runs: galgo ? runs : 0,
    failed_runs: 0,
    total_ms: galgo ? runs * (2 + at) : 0,
    metric_samples: galgo ? runs * samples : 0,
    last: galgo
      ? { duration_ms: 1 + at * 2, metric_samples: samples, service_checks: at % 2, events: 0, logs: 0 }
      : null,
    last_ok: galgo ? seconds() - age : null,
    error: '',
    traceback: '',
    warnings: [],
    metadata: {},
    configuration: null,
  }
  return { ...base, ...trouble(check, index) }
}

function trouble(check: string, index: number): Partial<CheckInstance> {
  if (check === 'mysql' && index % 4 === 0) {
    return {
      status: 'ERROR',
      error:
        'cannot connect to 127.0.0.1:3306 as datadog: access denied (using password: yes); grant it as in the guide of this integration',
      failed_runs: 12,
      last_ok: seconds() - 4 * 3600,
      configuration: {
        provider: 'file',
        init_config: '',
        instance: 'host: 127.0.0.1\nport: 3306\nusername: datadog\npassword: "********"\n',
      },
    }
  }
  if (check === 'mysql') return { metadata: { 'server version': '10.11.6-MariaDB' }, version: '0.1.0' }
  if (check === 'queue_length' && index % 6 === 0) {
    return {
      status: 'ERROR',
      error: "PermissionError: [Errno 13] Permission denied: '/var/spool/jobs'",
      traceback: TRACEBACK,
      failed_runs: 240,
      last_ok: null,
    }
  }
  if (check === 'tls')
    return { status: 'WARNING', warnings: ['the certificate of shop.example.com expires in 12 days'] }
  if (check === 'http_check' && index === 3) return { status: 'PENDING', last: null, last_run: null, runs: 0 }
  return {}
}

function checksOf(index: number): string[] {
  const name = HOSTS[index]?.name ?? ''
  return [
    ...CORE,
    ...(name.startsWith('db') ? ['mysql'] : []),
    ...(name.startsWith('web') ? ['nginx', 'http_check'] : []),
    ...(name.startsWith('cache') ? ['redisdb'] : []),
    ...(index % 6 === 0 ? ['queue_length'] : []),
    ...(index === 1 ? ['tls', 'kafka_consumer'] : []),
  ]
}

const instancesOf = (index: number): CheckInstance[] =>
  checksOf(index).map((check, at) => instance(HOSTS[index]?.name ?? '', index, check, at))

function logsOf(index: number): LogSource[] {
  if (index % 2 === 1) return []
  const host = HOSTS[index]?.name ?? ''
  const base = { host, reported_at: seconds() - 40 - index, stale: isOld(index) }
  return [
    {
      ...base,
      type: 'file',
      path: 'file:/var/log/app/*.log',
      service: 'shop',
      source: 'python',
      state: 'ok',
      files: 3,
      bytes: 81_230_112,
      lines: 412_031,
      sent: 412_031,
    },
    { ...base, type: 'journald', state: 'ok', source: 'journald', lines: 20_412, sent: 20_400 },
    ...(index % 4 === 0
      ? [
          {
            ...base,
            type: 'file',
            path: 'file:/var/log/mysql/error.log',
            service: 'mysql',
            source: 'mysql',
            state: 'error',
            files: 0,
            lines: 0,
            sent: 0,
            last_error:
              'cannot read /var/log/mysql/error.log: permission denied; add galgo-agent to the group adm',
          },
        ]
      : []),
  ]
}

const everywhere = <T>(of: (index: number) => T[]): T[] => HOSTS.flatMap((_, index) => of(index))

function metricsOf(known: Known | undefined, name: string) {
  const prefixes = known?.metric_prefixes ?? [`${name}.`]
  return METRICS.filter((metric) => prefixes.some((prefix) => metric.name.startsWith(prefix)))
}

function row(name: string, instances: readonly CheckInstance[], logs: readonly LogSource[]) {
  const known = KNOWN.find((entry) => entry.name === name)
  const all = [...instances, ...logs]
  const fresh = instances.filter(({ stale }) => !stale)
  const count = (status: string) => fresh.filter((one) => one.status === status).length
  const freshLogs = logs.filter(({ stale }) => !stale)
  const broken = freshLogs.filter(({ state }) => state === 'error').length
  const hosts = (of: readonly { host: string }[]) => new Set(of.map(({ host }) => host)).size
  const runs = instances.map(({ last_run }) => last_run ?? 0)
  return {
    name,
    title: known?.title ?? name,
    summary: known?.summary ?? '',
    category: known?.category ?? 'Other',
    kind: known?.kind ?? 'check',
    known: known !== undefined,
    default: known?.default ?? false,
    hosts: hosts(all),
    stale_hosts: hosts(all.filter(({ stale }) => stale)),
    ok: count('OK') + freshLogs.length - broken,
    warning: count('WARNING'),
    error: count('ERROR') + broken,
    pending: count('PENDING'),
    versions: [...new Set(instances.map(({ version }) => version).filter(Boolean))],
    metrics: metricsOf(known, name).length,
    last_run: Math.max(0, ...runs) || null,
    reported_at: Math.max(0, ...all.map(({ reported_at }) => reported_at)) || null,
  }
}

function rowsOf(empty: boolean) {
  const instances = empty ? [] : everywhere(instancesOf)
  const logs = empty ? [] : everywhere(logsOf)
  const names = new Set([...KNOWN.map(({ name }) => name), ...instances.map(({ check }) => check)])
  return [...names].sort().map((name) => {
    const kind = KNOWN.find((known) => known.name === name)?.log_kind
    return {
      instances: instances.filter(({ check }) => check === name),
      logs: logs.filter(({ type }) => type === kind),
      name,
    }
  })
}

function list({ params }: Call): Reply {
  const rows = rowsOf(params.has('mock_empty'))
  const integrations = rows.map(({ name, instances, logs }) => row(name, instances, logs))
  return { body: { integrations, stale_after: 1800 } }
}

function one({ path, params }: Call): Reply {
  const name = decodeURIComponent(path.slice(`${OWN}/integrations/`.length))
  const found = rowsOf(params.has('mock_empty')).find((entry) => entry.name === name)
  if (!found) return { status: 404, body: { errors: [`integration not found: ${name}`] } }
  const { instances, logs } = found
  const known = KNOWN.find((entry) => entry.name === name)
  const failing = instances.filter(({ status, stale }) => status === 'ERROR' && !stale).length
  return {
    body: {
      ...row(name, instances, logs),
      instances: instances.map((own) => ({ ...own, agent_version: '0.1.0' })),
      logs,
      service_checks: (known?.service_checks ?? []).map((check, index) => ({
        check,
        ok: index === 0 ? instances.length - failing : 0,
        warning: 0,
        critical: index === 0 ? failing : 0,
        unknown: 0,
      })),
      metric_list: metricsOf(known, name).map((metric) => ({
        name: metric.name,
        type: metric.type,
        unit: metric.unit ?? '',
        description: metric.description,
        series: seriesOf(metric).length,
        hosts: instances.length,
        last_seen: seconds() - 9,
      })),
      ...(known
        ? {
            metric_prefixes: known.metric_prefixes,
            files: known.files,
            steps: known.steps,
            notes: known.notes,
          }
        : {}),
    },
  }
}

/** The agent of a host, its checks and its log sources. */
export function hostRuns({ path }: Call): Reply {
  const name = decodeURIComponent(path.slice(`${OWN}/hosts/`.length, -'/checks'.length))
  const index = HOSTS.findIndex((host) => host.name === name)
  if (index < 0) {
    const agent = { version: '', flavor: '', python: null, checks_at: null, checks_stale: false }
    return { body: { agent: { ...agent, logs_at: null, logs_stale: false }, checks: [], logs: [] } }
  }
  const logs = logsOf(index)
  const at = seconds() - (isOld(index) ? 9000 : 40 + index)
  return {
    body: {
      agent: {
        version: isGalgo(index) ? '0.1.0' : '7.60.1',
        flavor: isGalgo(index) ? 'galgo' : 'agent',
        python: '3.12.6',
        checks_at: at,
        checks_stale: isOld(index),
        logs_at: logs.length > 0 ? at : null,
        logs_stale: isOld(index),
      },
      checks: instancesOf(index),
      logs,
    },
  }
}

export const integrationHandlers: Handlers = {
  [`GET ${OWN}/integrations`]: list,
  [`GET ${OWN}/integrations/`]: one,
}
