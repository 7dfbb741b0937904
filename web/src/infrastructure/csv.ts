// The host list as CSV (RFC 4180).
import { stateOf } from './filter'
import type { HostRow } from './types'

const HEAD = [
  'host',
  'status',
  'cpu_percent',
  'iowait_percent',
  'load_15',
  'apps',
  'platform',
  'agent',
  'tags',
  'last_seen',
]

/** Quotes what needs it; a leading `=`, `+`, `-` or `@` would be run as a formula by spreadsheets. */
export function csvField(value: string | number | undefined): string {
  if (value === undefined) return ''
  if (typeof value === 'number') return String(value)
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

export function hostsCsv(rows: readonly HostRow[]): string {
  const lines = rows.map((host) => [
    host.name,
    stateOf(host),
    host.metrics.cpu,
    host.metrics.iowait,
    host.metrics.load,
    host.apps.join(' '),
    host.facts?.platform,
    host.facts?.agent_version,
    host.tags.join(' '),
    new Date(host.last_reported_time * 1000).toISOString(),
  ])
  return [HEAD, ...lines].map((line) => `${line.map(csvField).join(',')}\r\n`).join('')
}

export function download(name: string, text: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}
