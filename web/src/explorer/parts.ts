// From the rows on the page to what is asked of the server.
import type { PartRequest } from '@/graph'
import { namesIn } from './state'
import type { ExplorerState } from './state'

export function partsOf(state: ExplorerState): PartRequest[] {
  const shown = (name: string) => !state.hide.includes(name)
  const queries = state.rows
    .filter(({ name, query }) => shown(name) && query.trim() !== '')
    .map(({ name, query }) => ({ name, label: query.trim(), queries: [{ name, query: query.trim() }] }))
  const formulas = state.formulas.flatMap(({ name, formula }): PartRequest[] => {
    const used = namesIn(formula, state.rows).filter(({ query }) => query.trim() !== '')
    if (!shown(name) || formula.trim() === '' || used.length === 0) return []
    return [
      {
        name,
        label: formula.trim(),
        queries: used.map((row) => ({ name: row.name, query: row.query.trim() })),
        formula: formula.trim(),
      },
    ]
  })
  return [...queries, ...formulas]
}

/** Why a formula row asks nothing, if so. */
export function formulaProblem(formula: string, state: ExplorerState): string | undefined {
  if (formula.trim() === '') return undefined
  const names = state.rows.map(({ name }) => name)
  if (namesIn(formula, state.rows).length > 0) return undefined
  return `The formula names no query; there is ${names.join(', ')}`
}
