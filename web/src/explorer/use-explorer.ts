// The explorer's state in the URL and the ways to change it.
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback, useMemo } from 'react'
import { readForm, writeForm } from '@/query/form'
import { nextFormulaName, nextRowName, readState, writeState } from './state'
import type { ExplorerSearch, ExplorerState } from './state'

export interface ExplorerActions {
  change: (change: Partial<ExplorerState>) => void
  setQuery: (name: string, query: string) => void
  setFormula: (name: string, formula: string) => void
  addRow: (query?: string) => void
  addFormula: () => void
  remove: (name: string) => void
  toggleShown: (name: string) => void
  /** Narrows a query to a tag, or takes the tag out. */
  filter: (name: string, term: string) => void
}

export function useExplorer(): { state: ExplorerState; actions: ExplorerActions } {
  const search: ExplorerSearch = useSearch({ strict: false })
  const navigate = useNavigate()
  const state = useMemo(() => readState(search), [search])
  const change = useCallback(
    (part: Partial<ExplorerState>) => {
      const next = (previous: object) => ({ ...previous, ...writeState({ ...readState(previous), ...part }) })
      void navigate({ to: '.', search: next })
    },
    [navigate],
  )
  const actions = useMemo(() => actionsFor(state, change), [state, change])
  return { state, actions }
}

function actionsFor(state: ExplorerState, change: ExplorerActions['change']): ExplorerActions {
  const { rows, formulas, hide } = state
  const setQuery = (name: string, query: string) => {
    if (rows.some((row) => row.name === name && row.query === query)) return
    change({ rows: rows.map((row) => (row.name === name ? { name, query } : row)) })
  }
  return {
    change,
    setQuery,
    setFormula: (name, formula) => {
      if (formulas.some((row) => row.name === name && row.formula === formula)) return
      change({ formulas: formulas.map((row) => (row.name === name ? { name, formula } : row)) })
    },
    addRow: (query = '') => {
      const name = nextRowName(rows)
      if (name !== undefined) change({ rows: [...rows, { name, query }] })
    },
    addFormula: () => {
      const name = nextFormulaName(formulas)
      const formula = rows
        .map((row) => row.name)
        .slice(0, 2)
        .join(' / ')
      if (name !== undefined)
        change({ formulas: [...formulas, { name, formula: rows.length > 1 ? formula : 'a * 1' }] })
    },
    remove: (name) => {
      const left = rows.filter((row) => row.name !== name)
      change({
        rows: left.length > 0 ? left : [{ name: 'a', query: '' }],
        formulas: formulas.filter((row) => row.name !== name),
        hide: hide.filter((other) => other !== name),
      })
    },
    toggleShown: (name) =>
      change({ hide: hide.includes(name) ? hide.filter((other) => other !== name) : [...hide, name] }),
    filter: (name, term) => {
      const row = rows.find((candidate) => candidate.name === name)
      const form = row && readForm(row.query)
      if (!form || form.scope.includes(term)) return
      setQuery(name, writeForm({ ...form, scope: [...form.scope, term] }))
    },
  }
}
