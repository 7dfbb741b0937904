// What the explorer shows, as it stands in the URL: `?a=avg:m{*}&b=…&f1=a/b&hide=b&kind=bars&interval=60`.
import type { GraphKind } from '@/graph'

export interface Row {
  /** `a`, `b`, … */
  name: string
  query: string
}

export interface FormulaRow {
  /** `f1`, `f2`, … */
  name: string
  formula: string
}

export interface ExplorerState {
  rows: Row[]
  formulas: FormulaRow[]
  /** Names of rows that feed formulas but are not drawn. */
  hide: string[]
  kind: GraphKind
  stacked: boolean
  fromZero: boolean
  /** Bucket in seconds; without it the server chooses. */
  interval: number | undefined
}

/** All strings, all optional: what a URL can hold. */
export type ExplorerSearch = Partial<Record<string, string>>

export const ROW_NAMES = ['a', 'b', 'c', 'd', 'e', 'g', 'h', 'i', 'j', 'k'] as const
export const MAX_FORMULAS = 5
const KINDS: readonly GraphKind[] = ['line', 'area', 'bars']

const formulaNames = Array.from({ length: MAX_FORMULAS }, (_, index) => `f${index + 1}`)
const OTHER_NAMES = ['hide', 'kind', 'stack', 'zero', 'interval']
const ALL_NAMES: readonly string[] = [...ROW_NAMES, ...formulaNames, ...OTHER_NAMES]

/** Keeps the explorer's own parameters; `q` is another word for `a`. */
export function validateSearch(search: Record<string, unknown>): ExplorerSearch {
  const out: ExplorerSearch = {}
  for (const name of ALL_NAMES) {
    const value = search[name] ?? (name === 'a' ? search.q : undefined)
    if (typeof value === 'string') out[name] = value
  }
  return out
}

export function readState(search: ExplorerSearch): ExplorerState {
  const rows = ROW_NAMES.flatMap((name) => {
    const query = search[name]
    return query === undefined ? [] : [{ name: name as string, query }]
  })
  const formulas = formulaNames.flatMap((name) => {
    const formula = search[name]
    return formula === undefined ? [] : [{ name, formula }]
  })
  const kind = KINDS.find((candidate) => candidate === search.kind) ?? 'line'
  const interval = Number(search.interval)
  return {
    rows: rows.length > 0 ? rows : [{ name: 'a', query: '' }],
    formulas,
    hide: (search.hide ?? '').split(',').filter((name) => name !== ''),
    kind,
    stacked: search.stack === undefined ? kind !== 'line' : search.stack === 'true',
    fromZero: search.zero !== 'false',
    interval: Number.isInteger(interval) && interval > 0 ? interval : undefined,
  }
}

/** Defaults are left out, so that a short link stays short. */
export function writeState(state: ExplorerState): ExplorerSearch {
  const search: ExplorerSearch = Object.fromEntries(ALL_NAMES.map((name) => [name, undefined]))
  for (const { name, query } of state.rows) if (query !== '' || state.rows.length > 1) search[name] = query
  for (const { name, formula } of state.formulas) search[name] = formula
  const known = new Set([...state.rows, ...state.formulas].map(({ name }) => name))
  const hide = state.hide.filter((name) => known.has(name))
  if (hide.length > 0) search.hide = hide.join(',')
  if (state.kind !== 'line') search.kind = state.kind
  if (state.stacked !== (state.kind !== 'line')) search.stack = String(state.stacked)
  if (!state.fromZero) search.zero = 'false'
  if (state.interval !== undefined) search.interval = String(state.interval)
  return search
}

export function nextRowName(rows: readonly Row[]): string | undefined {
  return ROW_NAMES.find((name) => rows.every((row) => row.name !== name))
}

export function nextFormulaName(formulas: readonly FormulaRow[]): string | undefined {
  return formulaNames.find((name) => formulas.every((row) => row.name !== name))
}

/** Which rows a formula names. */
export function namesIn(formula: string, rows: readonly Row[]): Row[] {
  const words = new Set(formula.match(/\b[a-z]\b(?!\s*\()/g) ?? [])
  return rows.filter(({ name }) => words.has(name))
}
