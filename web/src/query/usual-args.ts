// What a function is put in with: values that show something at once and are easy to change. The server's table says
// which arguments there are, not what is a good start.
import type { FunctionArg, QueryFunction } from '@/api/types'

const USUAL: Record<string, string> = {
  anomalies: "'basic', 2",
  outliers: "'DBSCAN', 3",
  forecast: "'linear', 1",
  top: "10, 'mean', 'desc'",
  top_offset: "10, 'mean', 'desc', 0",
  clamp_min: '0',
  clamp_max: '100',
  cutoff_min: '0',
  cutoff_max: '100',
  timeshift: '-3600',
  calendar_shift: "'-1d', 'UTC'",
  moving_rollup: "300, 'avg'",
  percentile: "'p95'",
  reduce: "'last'",
  is_greater: '0',
  is_less: '0',
  is_between: '0, 100',
  rollup: 'avg, 60',
  fill: 'linear, 300',
}

/** The arguments besides the query itself. */
export function ownArgs({ args }: Pick<QueryFunction, 'args'>): FunctionArg[] {
  const [first, ...rest] = args
  return first && /^(query|q)$/.test(first.kind) ? rest : args
}

function startOf({ kind, choices }: FunctionArg): string {
  if (choices?.[0] !== undefined)
    return typeof choices[0] === 'number' ? String(choices[0]) : `'${choices[0]}'`
  if (kind === 'number') return '1'
  return kind === 'keys' ? '{host}' : "''"
}

/** `10, 'mean', 'desc'`; methods take bare words: `avg, 60`. */
export function usualArgs(definition: QueryFunction): string {
  const { name, form } = definition
  const known = USUAL[name]
  const required = ownArgs(definition).filter((arg) => arg.required)
  const text = known ?? required.map(startOf).join(', ')
  return form === 'method' ? text.replaceAll("'", '') : text
}
