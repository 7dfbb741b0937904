// The legend: a table of every series with its numbers, sortable; or just names; the way to show and hide series.
import { ArrowDown, ArrowUp } from 'lucide-react'
import { useMemo, useRef, useState } from 'react'
import { useVirtualizer } from '@tanstack/react-virtual'
import { formatValue } from '@/format/value'
import { cx } from '@/ui'
import type { Frame, Series } from './frame'
import { isolate, toggle } from './legend-state'
import { statsOf, STATS } from './stats'
import type { Stat, Stats } from './stats'
import css from './graph.module.css'

const ROW_PX = 24
const HEAD_PX = 26

export interface LegendProps {
  frame: Frame
  hidden: ReadonlySet<string>
  onHidden: (hidden: ReadonlySet<string>) => void
  /** Index of the moment under the pointer. */
  cursor: number | null
  onPoint?: (key: string | null) => void
  /** CSS px or any CSS length. */
  maxHeight?: number | string
  className?: string
}

interface Row {
  series: Series
  stats: Stats
}

interface Sort {
  by: 'name' | Stat
  descending: boolean
}

function sorted(rows: readonly Row[], { by, descending }: Sort): Row[] {
  const sign = descending ? -1 : 1
  return [...rows].sort((left, right) => {
    if (by === 'name')
      return sign * left.series.label.localeCompare(right.series.label, undefined, { numeric: true })
    const one = left.stats[by]
    const other = right.stats[by]
    if (one === null || other === null) return Number(one === null) - Number(other === null)
    return sign * (one - other)
  })
}

export function LegendTable({
  frame,
  hidden,
  onHidden,
  cursor,
  onPoint,
  maxHeight = 220,
  className,
}: LegendProps) {
  const [sort, setSort] = useState<Sort>({ by: 'avg', descending: true })
  const scroll = useRef<HTMLDivElement>(null)
  const rows = useMemo(
    () => frame.series.map((series) => ({ series, stats: statsOf(series.values) })),
    [frame],
  )
  const shown = useMemo(() => sorted(rows, sort), [rows, sort])
  const keys = frame.series.map(({ key }) => key)
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
    scrollMargin: HEAD_PX,
  })
  const items = virtual.getVirtualItems()
  const before = items.length > 0 ? (items[0]?.index ?? 0) * ROW_PX : 0
  const after = items.length > 0 ? (shown.length - 1 - (items.at(-1)?.index ?? 0)) * ROW_PX : 0
  const sortBy = (by: Sort['by']) =>
    setSort((now) => ({ by, descending: now.by === by ? !now.descending : by !== 'name' }))
  return (
    <div
      ref={scroll}
      className={cx(css.legend, className)}
      style={{ maxHeight }}
      onMouseLeave={() => onPoint?.(null)}
      tabIndex={0}
      role="region"
      aria-label="Legend"
    >
      <table className={css.table}>
        <thead>
          <tr>
            <SortHead by="name" label={`Series (${shown.length})`} sort={sort} onSort={sortBy} />
            <th scope="col" data-rare="true">
              <span className={css.sort}>at cursor</span>
            </th>
            {STATS.map((stat) => (
              <SortHead key={stat} by={stat} label={stat} sort={sort} onSort={sortBy} />
            ))}
          </tr>
        </thead>
        <tbody>
          {before > 0 && <tr aria-hidden style={{ height: before }} />}
          {items.map(({ index }) => {
            const row = shown[index]
            if (!row) return null
            const { key } = row.series
            return (
              <tr key={key} data-hidden={hidden.has(key)} onMouseEnter={() => onPoint?.(key)}>
                <td>
                  <SeriesName series={row.series} hidden={hidden} keys={keys} onHidden={onHidden} />
                </td>
                <td data-rare="true">
                  {cursor === null ? '' : formatValue(row.series.values[cursor], row.series.unit)}
                </td>
                {STATS.map((stat) => (
                  <td key={stat} data-rare={isRare(stat)}>
                    {formatValue(row.stats[stat], row.series.unit)}
                  </td>
                ))}
              </tr>
            )
          })}
          {after > 0 && <tr aria-hidden style={{ height: after }} />}
        </tbody>
      </table>
    </div>
  )
}

/** Columns that a phone has no room for. */
const isRare = (stat: Stat): boolean => stat === 'min' || stat === 'sum'

interface SortHeadProps {
  by: Sort['by']
  label: string
  sort: Sort
  onSort: (by: Sort['by']) => void
}

function SortHead({ by, label, sort, onSort }: SortHeadProps) {
  const on = sort.by === by
  const order = sort.descending ? 'descending' : 'ascending'
  const Arrow = sort.descending ? ArrowDown : ArrowUp
  return (
    <th scope="col" aria-sort={on ? order : undefined} data-rare={by !== 'name' && isRare(by)}>
      <button type="button" className={css.sort} data-on={on} onClick={() => onSort(by)}>
        {label}
        {on && <Arrow size={11} aria-hidden />}
      </button>
    </th>
  )
}

interface SeriesNameProps {
  series: Series
  keys: readonly string[]
  hidden: ReadonlySet<string>
  onHidden: (hidden: ReadonlySet<string>) => void
}

/** The swatch shows or hides; the name isolates on a click and hides on a double click. */
function SeriesName({ series, keys, hidden, onHidden }: SeriesNameProps) {
  const { key, label, color } = series
  const off = hidden.has(key)
  return (
    <span className={css.cellName} data-hidden={off}>
      <button
        type="button"
        className={css.toggle}
        aria-pressed={!off}
        aria-label={`Show ${label}`}
        onClick={() => onHidden(toggle(hidden, key))}
      >
        <span className={css.mark} style={{ background: color }} />
      </button>
      <button
        type="button"
        className={css.name}
        title={label}
        onClick={() => onHidden(isolate(keys, hidden, key))}
        onDoubleClick={() => onHidden(toggle(hidden, key))}
      >
        {label}
      </button>
    </span>
  )
}

/** Names in a row, for small graphs. */
export function LegendRow({ frame, hidden, onHidden, onPoint }: LegendProps) {
  const keys = frame.series.map(({ key }) => key)
  return (
    <div
      className={css.compact}
      onMouseLeave={() => onPoint?.(null)}
      role="group"
      aria-label="Legend"
      tabIndex={0}
    >
      {frame.series.slice(0, COMPACT_MAX).map((series) => (
        <span key={series.key} onMouseEnter={() => onPoint?.(series.key)}>
          <SeriesName series={series} keys={keys} hidden={hidden} onHidden={onHidden} />
        </span>
      ))}
    </div>
  )
}

/** A row of names longer than this is not read; the table is one click away. */
const COMPACT_MAX = 40
