// Just enough of the query language for the mock: one metric, a scope, groups, arithmetic of whole queries.
import { readForm } from '../src/query/form.ts'
import type { QueryForm } from '../src/query/form.ts'
import { METRICS, seriesOf, unitOf, valueAt } from './mock-data.ts'
import type { MockSeries } from './mock-data.ts'

export interface MockGroup {
  tags: string[]
  values: (number | null)[]
}

export interface MockResult {
  times: number[]
  groups: MockGroup[]
  unit: [unknown, unknown] | null
}

export class QueryError extends Error {}

const STEPS: [number, number][] = [
  [900, 5],
  [3600, 20],
  [14_400, 60],
  [86_400, 300],
  [172_800, 600],
  [604_800, 3600],
  [2_678_400, 14_400],
]

export function stepFor(span: number): number {
  return STEPS.find(([longest]) => span <= longest)?.[1] ?? 43_200
}

function termMatches(series: MockSeries, term: string): boolean {
  const negated = term.startsWith('!')
  const pattern = negated ? term.slice(1) : term
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  const wanted = new RegExp(`^${parts.join('.*')}$`)
  return series.tags.some((tag) => wanted.test(tag)) !== negated
}

function groupTags(series: MockSeries, by: string[]): string[] {
  return by.map((key) => series.tags.find((tag) => tag.startsWith(`${key}:`)) ?? `${key}:N/A`)
}

function combine(aggregator: string, values: number[]): number | null {
  if (values.length === 0) return null
  const sum = values.reduce((total, value) => total + value, 0)
  if (aggregator === 'sum') return sum
  if (aggregator === 'min') return Math.min(...values)
  if (aggregator === 'max') return Math.max(...values)
  if (aggregator === 'count') return values.length
  return sum / values.length
}

function evaluateForm(form: QueryForm, times: number[]): MockResult {
  const metric = METRICS.find(({ name }) => name === form.metric)
  if (!metric) return { times, groups: [], unit: null }
  const matching = seriesOf(metric).filter((series) => form.scope.every((term) => termMatches(series, term)))
  const groups = new Map<string, { tags: string[]; members: MockSeries[] }>()
  for (const series of matching) {
    const tags = groupTags(series, form.by)
    const group = groups.get(tags.join()) ?? { tags, members: [] }
    group.members.push(series)
    groups.set(tags.join(), group)
  }
  const evaluated = [...groups.values()].map(({ tags, members }) => ({
    tags,
    values: times.map((time) =>
      combine(
        form.aggregator,
        members.flatMap((member) => valueAt(member, time / 1000) ?? []),
      ),
    ),
  }))
  return { times, groups: evaluated, unit: [unitOf(metric.unit), unitOf(metric.per)] }
}

export function evaluate(query: string, times: number[]): MockResult {
  const unclosed = query.indexOf('{') >= 0 && query.indexOf('}') < 0
  if (unclosed) throw new QueryError(`expected } at character ${query.length + 1}: the scope is not closed`)
  const form = readForm(query)
  if (!form) throw new QueryError(`unexpected ${query.slice(-1)} at character ${query.length}`)
  return evaluateForm(form, times)
}

/** `a / b * 100` over results by name, group by group. */
export function evaluateFormula(formula: string, results: Record<string, MockResult>): MockResult {
  const trimmed = formula.trim()
  const plain = results[trimmed]
  if (plain) return plain
  const names = Object.keys(results)
  const used = names.filter((name) => new RegExp(`\\b${name}\\b`).test(trimmed))
  const first = results[used[0] ?? '']
  const rest = trimmed.replace(/\b[a-z_]\w*\b/g, '').replace(/[\d\s.+\-*/()]/g, '')
  if (!first || rest !== '')
    throw new QueryError(`unexpected ${rest[0] ?? 'end'} at character 1 of the formula`)
  const run = new Function(...used, `return (${trimmed})`) as (...values: number[]) => number
  const groups = first.groups.flatMap(({ tags }) => {
    const rows = used.map(
      (name) => results[name]?.groups.find((group) => group.tags.join() === tags.join())?.values,
    )
    if (rows.some((row) => row === undefined)) return []
    const values = first.times.map((_, index) => {
      const inputs = rows.map((row) => row?.[index] ?? null)
      if (inputs.some((value) => value === null)) return null
      const value = run(...(inputs as number[]))
      return Number.isFinite(value) ? value : null
    })
    return [{ tags, values }]
  })
  return { times: first.times, groups, unit: null }
}
