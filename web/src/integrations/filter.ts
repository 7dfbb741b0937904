// Which integrations the list shows: words, states, categories.
import type { State } from '@/ui'
import type { FacetValue } from '@/ui/facets'
import type { Integration } from './types'

/** The worst that is known of it. */
export type IntegrationState = 'errors' | 'warnings' | 'running' | 'metrics' | 'silent' | 'available'

export function stateOf({ hosts, stale_hosts, error, warning, metrics }: Integration): IntegrationState {
  if (error > 0) return 'errors'
  if (warning > 0) return 'warnings'
  if (hosts > stale_hosts) return 'running'
  if (hosts > 0) return 'silent'
  // Sent by something that reports no checks: the server's own collectors, a library, a scraper.
  return metrics > 0 ? 'metrics' : 'available'
}

export const STATE_LOOKS: Record<IntegrationState, { state: State; word: string }> = {
  errors: { state: 'alert', word: 'Errors' },
  warnings: { state: 'warn', word: 'Warnings' },
  running: { state: 'ok', word: 'Running' },
  metrics: { state: 'ok', word: 'Metrics only' },
  silent: { state: 'no-data', word: 'No report' },
  available: { state: 'muted', word: 'Available' },
}

/** What a facet value covers: everything that runs is running, however badly. */
const FACETS: readonly { value: string; label: string; holds: (state: IntegrationState) => boolean }[] = [
  {
    value: 'running',
    label: 'Running',
    holds: (state) => state !== 'silent' && state !== 'available',
  },
  { value: 'errors', label: 'With errors', holds: (state) => state === 'errors' },
  { value: 'warnings', label: 'With warnings', holds: (state) => state === 'warnings' },
  { value: 'silent', label: 'No recent report', holds: (state) => state === 'silent' },
  { value: 'available', label: 'Available', holds: (state) => state === 'available' },
]

const ORDER: readonly IntegrationState[] = ['errors', 'warnings', 'running', 'metrics', 'silent', 'available']

/** Sorts by state first, then by title. */
export const stateOrder = (row: Integration): string => `${ORDER.indexOf(stateOf(row))} ${row.title}`

export interface Filter {
  words: string
  states: ReadonlySet<string>
  categories: ReadonlySet<string>
}

function hasWords({ name, title, summary, category }: Integration, words: string): boolean {
  const hay = `${name} ${title} ${summary} ${category}`.toLowerCase()
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => hay.includes(word))
}

const inState = (row: Integration, states: ReadonlySet<string>): boolean =>
  states.size === 0 || FACETS.some(({ value, holds }) => states.has(value) && holds(stateOf(row)))

const inCategory = ({ category }: Integration, categories: ReadonlySet<string>): boolean =>
  categories.size === 0 || categories.has(category)

export function filterIntegrations(rows: readonly Integration[], filter: Filter): Integration[] {
  return rows.filter(
    (row) => hasWords(row, filter.words) && inState(row, filter.states) && inCategory(row, filter.categories),
  )
}

/** Counts of each facet, under all the other filters. */
export function facetsOf(
  rows: readonly Integration[],
  filter: Filter,
): { states: FacetValue[]; categories: FacetValue[] } {
  const forStates = filterIntegrations(rows, { ...filter, states: new Set() })
  const states = FACETS.map(({ value, label, holds }) => ({
    value,
    label,
    count: forStates.filter((row) => holds(stateOf(row))).length,
  }))
  const counts = new Map<string, number>()
  for (const { category } of rows) counts.set(category, 0)
  for (const { category } of filterIntegrations(rows, { ...filter, categories: new Set() }))
    counts.set(category, (counts.get(category) ?? 0) + 1)
  const categories = [...counts].map(([value, count]) => ({ value, count }))
  return { states, categories: categories.sort((left, right) => left.value.localeCompare(right.value)) }
}

export const readList = (list: string | undefined): Set<string> => new Set(list?.split(',').filter(Boolean))

export function toggleIn(list: string | undefined, value: string): string | undefined {
  const values = readList(list)
  if (!values.delete(value)) values.add(value)
  return values.size > 0 ? [...values].join(',') : undefined
}
