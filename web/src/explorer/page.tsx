// The Metrics explorer: queries on top, their graph and its table below, everything in the URL.
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { CircleMinus, Filter, Plus, Server, Sigma } from 'lucide-react'
import { useMemo, useRef, useState } from 'react'
import { metricNamesQuery } from '@/api/queries'
import { GraphCard } from '@/graph'
import type { FrameState, SeriesAction } from '@/graph'
import { useShortcut } from '@/keyboard'
import { Button, Empty } from '@/ui'
import css from './explorer.module.css'
import { formulaProblem, partsOf } from './parts'
import { FormulaRowFields, QueryRow } from './query-row'
import { MAX_FORMULAS, ROW_NAMES } from './state'
import { Toolbar } from './toolbar'
import { useExplorer } from './use-explorer'
import type { ExplorerActions } from './use-explorer'

const LEGEND_HEIGHT = 'max(220px, 38vh)'
const GRAPH_HEIGHT = 'clamp(280px, 44vh, 680px)'

export function ExplorerPage() {
  const { state, actions } = useExplorer()
  const navigate = useNavigate()
  const parts = useMemo(() => partsOf(state), [state])
  const [errors, setErrors] = useState<FrameState['errors']>([])
  const list = useRef<HTMLUListElement>(null)
  useShortcut('e', 'Edit the first query', 'Explorer', () => focusEditor(list.current))
  useShortcut('/', 'Edit the first query', 'Explorer', () => focusEditor(list.current))
  const errorOf = (name: string) => errors.find((entry) => entry.name === name)?.error.message
  const { rows, formulas, hide, kind, stacked, fromZero, interval } = state
  const title = parts.map(({ label }) => label).join(', ')
  return (
    <div className={css.page}>
      <ul ref={list} className={css.rows} aria-label="Queries">
        {rows.map((row) => (
          <QueryRow
            key={row.name}
            row={row}
            shown={!hide.includes(row.name)}
            error={errorOf(row.name)}
            only={rows.length === 1}
            onQuery={(query) => actions.setQuery(row.name, query)}
            onShown={() => actions.toggleShown(row.name)}
            onCopy={() => actions.addRow(row.query)}
            onRemove={() => actions.remove(row.name)}
          />
        ))}
        {formulas.map((row) => (
          <FormulaRowFields
            key={row.name}
            row={row}
            shown={!hide.includes(row.name)}
            error={formulaProblem(row.formula, state) ?? errorOf(row.name)}
            onFormula={(formula) => actions.setFormula(row.name, formula)}
            onShown={() => actions.toggleShown(row.name)}
            onRemove={() => actions.remove(row.name)}
          />
        ))}
      </ul>
      <div className={css.adders}>
        <Button kind="quiet" disabled={rows.length >= ROW_NAMES.length} onClick={() => actions.addRow()}>
          <Plus size={14} /> Query
        </Button>
        <Button kind="quiet" disabled={formulas.length >= MAX_FORMULAS} onClick={actions.addFormula}>
          <Sigma size={14} /> Formula
        </Button>
      </div>
      <Toolbar state={state} onChange={actions.change} />
      {parts.length === 0 ? (
        <Start onChoose={(query) => actions.setQuery(rows[0]?.name ?? 'a', query)} />
      ) : (
        <GraphCard
          title={title}
          parts={parts}
          style={{ kind, stacked, fromZero }}
          interval={interval === undefined ? undefined : interval * 1000}
          height={GRAPH_HEIGHT}
          legend="table"
          legendHeight={LEGEND_HEIGHT}
          seriesActions={(tags, source) =>
            seriesActions(tags, source, actions, (href) => void navigate({ href }))
          }
          onReplace={(query) => actions.setQuery(parts[0]?.name ?? 'a', query)}
          onErrors={setErrors}
        />
      )}
    </div>
  )
}

function focusEditor(list: HTMLElement | null): void {
  list?.querySelector<HTMLElement>('.cm-content')?.focus()
}

type Open = (path: string) => void

function seriesActions(tags: string[], source: string, actions: ExplorerActions, open: Open): SeriesAction[] {
  return tags
    .filter((tag) => !tag.endsWith(':N/A'))
    .flatMap((tag): SeriesAction[] => [
      { label: `Only ${tag}`, icon: <Filter size={14} />, run: () => actions.filter(source, tag) },
      {
        label: `Without ${tag}`,
        icon: <CircleMinus size={14} />,
        run: () => actions.filter(source, `!${tag}`),
      },
      ...(tag.startsWith('host:') ? [hostAction(tag.slice('host:'.length), open)] : []),
    ])
}

function hostAction(host: string, open: Open): SeriesAction {
  return {
    label: `Open ${host}`,
    icon: <Server size={14} />,
    run: () => open(`/infrastructure/host/${encodeURIComponent(host)}`),
  }
}

const SUGGESTED = 8

/** Nothing asked yet: metrics that are there, one click away. */
function Start({ onChoose }: { onChoose: (query: string) => void }) {
  const metrics = useQuery(metricNamesQuery('', SUGGESTED)).data
  if (!metrics) return null
  if (metrics.length === 0) {
    return (
      <Empty title="No metrics have arrived yet">
        <p>Send one and it can be drawn here within seconds. The home page shows how.</p>
      </Empty>
    )
  }
  return (
    <Empty title="Choose a metric to draw">
      <p>Type a query above: an aggregation, a metric, where from in braces, and what to group by.</p>
      <div className={css.suggested}>
        {metrics.map(({ name }) => (
          <Button key={name} small onClick={() => onChoose(`avg:${name}{*}`)}>
            {name}
          </Button>
        ))}
      </div>
    </Empty>
  )
}
