// How the explorer draws: line, area or bars, stacked or not, bucket size; and the ways to take it away.
import { ChartArea, ChartColumn, ChartLine, Link as LinkIcon } from 'lucide-react'
import type { GraphKind } from '@/graph'
import { Button, Segments, Select, toast } from '@/ui'
import css from './explorer.module.css'
import type { ExplorerState } from './state'

const KINDS = [
  { value: 'line', label: 'Line', icon: <ChartLine size={14} /> },
  { value: 'area', label: 'Area', icon: <ChartArea size={14} /> },
  { value: 'bars', label: 'Bars', icon: <ChartColumn size={14} /> },
] as const

const INTERVALS = [
  { value: 'auto', label: 'Auto interval' },
  { value: '1', label: '1 second' },
  { value: '10', label: '10 seconds' },
  { value: '20', label: '20 seconds' },
  { value: '60', label: '1 minute' },
  { value: '300', label: '5 minutes' },
  { value: '600', label: '10 minutes' },
  { value: '3600', label: '1 hour' },
  { value: '86400', label: '1 day' },
]

export interface ToolbarProps {
  state: ExplorerState
  onChange: (change: Partial<ExplorerState>) => void
}

export function Toolbar({ state, onChange }: ToolbarProps) {
  const { kind, stacked, fromZero, interval } = state
  const current = interval === undefined ? 'auto' : String(interval)
  const choices = INTERVALS.some(({ value }) => value === current)
    ? INTERVALS
    : [...INTERVALS, { value: current, label: `${current} seconds` }]
  const share = () =>
    void navigator.clipboard.writeText(window.location.href).then(
      () => toast('Link copied'),
      () => toast('The browser does not allow copying'),
    )
  return (
    <div className={css.toolbar} role="toolbar" aria-label="Graph">
      <Segments<GraphKind>
        label="Kind of graph"
        value={kind}
        choices={KINDS}
        onChange={(next) => onChange({ kind: next, stacked: next !== 'line' })}
      />
      {kind !== 'line' && (
        <Button pressed={stacked} onClick={() => onChange({ stacked: !stacked })}>
          Stacked
        </Button>
      )}
      {kind === 'line' && (
        <Button pressed={fromZero} onClick={() => onChange({ fromZero: !fromZero })}>
          From zero
        </Button>
      )}
      <Select
        label="Interval"
        value={current}
        choices={choices}
        onChange={(next) => onChange({ interval: next === 'auto' ? undefined : Number(next) })}
      />
      <div className={css.grow} />
      <Button onClick={share}>
        <LinkIcon size={14} />
        Share
      </Button>
    </div>
  )
}
