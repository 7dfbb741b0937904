// Which metrics the list shows: words, tags, types, prefix.
import type { FacetValue } from '@/ui/facets'
import type { MetricRow } from './queries'

export interface SummarySearch {
  q?: string
  /** Types, comma between. */
  type?: string
  prefix?: string
  sort?: string
  /** The metric whose panel is open. */
  metric?: string
  /** Seconds to look back. */
  window?: string
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

export function readSearch(search: Record<string, unknown>): SummarySearch {
  const { q, type, prefix, sort, metric, window } = search
  return {
    q: text(q),
    type: text(type),
    prefix: text(prefix),
    sort: text(sort),
    metric: text(metric),
    window: text(window),
  }
}

export interface Words {
  words: string[]
  /** Scope of the tags that were typed: `env:prod,role:web`. */
  tag: string
}

/** A word with a colon is a tag, any other is part of a name or of a description. */
export function readWords(q: string): Words {
  const all = q.split(/[\s,]+/).filter(Boolean)
  const isTag = (word: string) => /^!?[^:]+:.+/.test(word)
  return {
    words: all.filter((word) => !word.includes(':')).map((word) => word.toLowerCase()),
    tag: all.filter(isTag).join(','),
  }
}

export const readList = (list: string | undefined): Set<string> => new Set(list?.split(',').filter(Boolean))

export function toggleIn(list: string | undefined, value: string): string | undefined {
  const values = readList(list)
  if (!values.delete(value)) values.add(value)
  return values.size > 0 ? [...values].join(',') : undefined
}

function hasWords(metric: MetricRow, words: readonly string[]): boolean {
  if (words.length === 0) return true
  const hay = `${metric.name} ${metric.description ?? ''}`.toLowerCase()
  return words.every((word) => hay.includes(word))
}

export interface Filter {
  words: readonly string[]
  types: ReadonlySet<string>
  prefix: string
}

const below = (name: string, prefix: string) =>
  prefix === '' || name === prefix || name.startsWith(`${prefix}.`)

export function filterMetrics(metrics: readonly MetricRow[], filter: Filter): MetricRow[] {
  return metrics.filter(
    (metric) =>
      hasWords(metric, filter.words) &&
      below(metric.name, filter.prefix) &&
      (filter.types.size === 0 || filter.types.has(metric.type)),
  )
}

/** Counts of each facet: under all the other filters, so that a choice never hides its own alternatives. */
export function facetsOf(
  metrics: readonly MetricRow[],
  filter: Filter,
): { types: FacetValue[]; names: string[] } {
  const counts = new Map<string, number>()
  for (const { type } of filterMetrics(metrics, { ...filter, types: new Set() })) {
    counts.set(type, (counts.get(type) ?? 0) + 1)
  }
  for (const type of filter.types) counts.set(type, counts.get(type) ?? 0)
  const types = [...counts].map(([value, count]) => ({ value, count }))
  types.sort((left, right) => right.count - left.count || left.value.localeCompare(right.value))
  return { types, names: filterMetrics(metrics, { ...filter, prefix: '' }).map(({ name }) => name) }
}

/** `byte / second`, `percent`. */
export function unitText({ unit, per_unit }: Pick<MetricRow, 'unit' | 'per_unit'>): string {
  if (!unit) return per_unit ? `1 / ${per_unit}` : ''
  return per_unit ? `${unit} / ${per_unit}` : unit
}

export { metricQuery as queryOf } from '@/query/link'
