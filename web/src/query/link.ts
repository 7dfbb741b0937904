// Addresses of the Metrics explorer with queries in them: what graphs anywhere on the page open.
import type { TimeRange } from '@/time'
import { toSearch } from '@/time'

/** The query that shows a metric well by its type. */
export function metricQuery(metric: string, type: string | null | undefined, by = '', scope = '*'): string {
  const group = by === '' ? '' : ` by {${by}}`
  if (type === 'count') return `sum:${metric}{${scope}}${group}.as_count()`
  return `avg:${metric}{${scope}}${group}`
}

export interface ExplorerLink {
  queries: readonly { name: string; query: string }[]
  formulas?: readonly string[]
  kind?: string
  range?: TimeRange
}

export function explorerPath({ queries, formulas = [], kind, range }: ExplorerLink): string {
  const search = new URLSearchParams()
  for (const { name, query } of queries) search.set(name, query)
  formulas.forEach((formula, index) => search.set(`f${index + 1}`, formula))
  if (formulas.length > 0) search.set('hide', queries.map(({ name }) => name).join(','))
  if (kind) search.set('kind', kind)
  if (range) {
    for (const [name, value] of Object.entries(toSearch(range)))
      if (value !== undefined) search.set(name, String(value))
  }
  return `/metrics/explorer?${search.toString()}`
}
