// States of checks and log sources in words, and which of them one should look at first.
import { formatValue } from '@/format/value'
import type { State } from '@/ui'
import type { CheckInstance, LogSource, RunStatus } from './types'

const LOOKS: Record<RunStatus, { state: State; word: string }> = {
  OK: { state: 'ok', word: 'OK' },
  WARNING: { state: 'warn', word: 'WARNING' },
  ERROR: { state: 'alert', word: 'ERROR' },
  PENDING: { state: 'no-data', word: 'WAITING' },
}

const URGENCY: Record<RunStatus, number> = { ERROR: 0, WARNING: 1, PENDING: 2, OK: 3 }

/** An old report keeps its word but not its colour: it says nothing of now. */
export function lookOf({ status, stale }: Pick<CheckInstance, 'status' | 'stale'>): {
  state: State
  word: string
} {
  const look = LOOKS[status]
  return stale ? { state: 'no-data', word: look.word } : look
}

/** What fails first, old reports last; then by check, host and instance. */
export function byUrgency(instances: readonly CheckInstance[]): CheckInstance[] {
  const rank = ({ status, stale }: CheckInstance) => (stale ? 10 : 0) + URGENCY[status]
  const name = ({ check, host, instance }: CheckInstance) => `${check} ${host} ${instance}`
  return [...instances].sort(
    (left, right) => rank(left) - rank(right) || name(left).localeCompare(name(right)),
  )
}

/** What one should know of an instance in a line; empty when all is well. */
export function messageOf({ error, warnings, status }: CheckInstance): string {
  if (error !== '') return error
  if (warnings.length > 0) return warnings.join('; ')
  return status === 'PENDING' ? 'It has not run yet' : ''
}

const number = new Intl.NumberFormat('en')

/** `1 file`, `1,200 files`. */
export const counted = (count: number, word: string): string =>
  `${number.format(count)} ${word}${count === 1 ? '' : 's'}`

/** `340 µs` does not occur: agents count whole milliseconds. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${formatValue(ms / 1000)} s`
  return `${formatValue(ms / 60_000)} min`
}

/** The file of `/etc/galgo-agent/conf.d/mysql.yaml, instance 1`, with its folder where the file says little. */
export function shortSource(source: string): string {
  const parts = source.replace(/^[a-z]+:/, '').split('/')
  const file = parts.at(-1) ?? source
  const folder = parts.at(-2)
  return folder?.endsWith('.d') && folder !== 'conf.d' ? `${folder}/${file}` : file
}

/** Where lines come from: a path, a port, or the journal. */
export function logName({ path, port, type }: LogSource): string {
  if (path) return path.startsWith(`${type}:/`) ? path.slice(type.length + 1) : path
  if (port !== undefined) return `port ${port}`
  return type === 'journald' ? 'journal of the host' : type
}

const GOOD = new Set(['ok', 'success', 'tailing', 'listening', 'running', 'reading', 'active'])

export function logLook(source: LogSource): { state: State; word: string } {
  const state = source.state.toLowerCase()
  const word = source.state.toUpperCase()
  if (source.stale) return { state: 'no-data', word: word || 'UNKNOWN' }
  if (/error|fail|denied/.test(state)) return { state: 'alert', word: word || 'ERROR' }
  if (GOOD.has(state)) return { state: 'ok', word }
  return { state: 'no-data', word: word || 'UNKNOWN' }
}

/** What one should know of a source in a line; empty when all is well. */
export function logMessage(source: LogSource): string {
  const { last_error: error, warnings = [], refused = 0 } = source
  const failing = logLook(source).state === 'alert'
  return [
    ...(error && failing ? [error] : []),
    ...warnings,
    ...(refused > 0 ? [`the server refused ${counted(refused, 'line')}`] : []),
    ...(error && !failing ? [`earlier: ${error}`] : []),
  ].join('; ')
}
