// The table of every list: virtual rows, sticky head, sorting, column widths, a row that is open beside it, selection.
import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown, ArrowUp } from 'lucide-react'
import { useEffect, useMemo, useRef, useState } from 'react'
import type { CSSProperties, PointerEvent as ReactPointerEvent, ReactNode } from 'react'
import { useIsPhone } from './columns'
import { cx } from './cx'
import type { Sort, SortValue } from './table-order'
import css from './data-table.module.css'

export interface Column<Row> {
  key: string
  label: string
  /** Width in CSS px; `grow` shares out what is left. */
  width: number
  grow?: boolean
  align?: 'start' | 'end'
  /** What the column sorts by; without it the head is no button. */
  value?: (row: Row) => SortValue
  /** Numbers are first looked at from the top. */
  descendingFirst?: boolean
  /** Not offered for hiding. */
  fixed?: boolean
  /** Left out until somebody chooses it. */
  optional?: boolean
  /** Kept on a phone. */
  phone?: boolean
  render: (row: Row) => ReactNode
}

export interface Selection {
  keys: ReadonlySet<string>
  onChange: (keys: ReadonlySet<string>) => void
}

export interface DataTableProps<Row> {
  /** What the rows are, for assistive technology. */
  label: string
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  rowKey: (row: Row) => string
  /** Name of a row where a cell cannot be read out. */
  rowName?: (row: Row) => string
  sort: Sort
  onSort: (sort: Sort) => void
  /** Key of the row whose panel is open. */
  open?: string
  onOpen?: (row: Row) => void
  selection?: Selection
  rowHeight?: number
  empty?: ReactNode
}

const ROW_PX = 32
const HEAD_PX = 32
const MIN_COLUMN_PX = 60
const SELECT_PX = 36

export function DataTable<Row>(props: DataTableProps<Row>) {
  const { label, columns, rows, rowKey, sort, onSort, open, onOpen, selection, rowHeight = ROW_PX } = props
  const scroll = useRef<HTMLDivElement>(null)
  const phone = useIsPhone()
  const [widths, setWidths] = useState<Readonly<Record<string, number>>>({})
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => rowHeight,
    overscan: 16,
    scrollPaddingStart: HEAD_PX,
  })
  const openAt = useMemo(
    () => (open === undefined ? -1 : rows.findIndex((row) => rowKey(row) === open)),
    [open, rows, rowKey],
  )
  useEffect(() => {
    if (openAt >= 0) virtual.scrollToIndex(openAt, { align: 'auto' })
  }, [openAt, virtual])

  const template = columns.map((column) => track(column, widths[column.key], phone))
  if (selection) template.unshift(`${SELECT_PX}px`)
  const style = { '--columns': template.join(' '), '--row': `${rowHeight}px` } as CSSProperties
  return (
    <div
      ref={scroll}
      className={css.scroll}
      style={style}
      tabIndex={0}
      role="region"
      aria-label={`${label}, scrollable`}
    >
      <div role="table" aria-label={label} aria-rowcount={rows.length + 1} className={css.table}>
        <div role="row" className={css.head} aria-rowindex={1}>
          {selection && <SelectAll rows={rows} rowKey={rowKey} selection={selection} label={label} />}
          {columns.map((column) => (
            <HeadCell
              key={column.key}
              column={column}
              sort={sort}
              onSort={onSort}
              onResize={(width) => setWidths((before) => ({ ...before, [column.key]: width }))}
            />
          ))}
        </div>
        <div role="rowgroup" className={css.rows} style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const row = rows[index]
            if (row === undefined) return null
            return (
              <BodyRow
                key={rowKey(row)}
                {...{ row, index, start, columns, selection, onOpen }}
                id={rowKey(row)}
                name={props.rowName?.(row) ?? rowKey(row)}
                isOpen={index === openAt}
              />
            )
          })}
        </div>
      </div>
      {rows.length === 0 && <div className={css.empty}>{props.empty}</div>}
    </div>
  )
}

/** The column that grows may also shrink on a phone, so that the others fit beside it. */
const PHONE_PX = 96

function track<Row>(column: Column<Row>, width: number | undefined, phone: boolean): string {
  if (width !== undefined) return `${width}px`
  if (phone && column.grow) return `minmax(${PHONE_PX}px, 1fr)`
  return column.grow ? `minmax(${column.width}px, 1fr)` : `${column.width}px`
}

interface BodyRowProps<Row> {
  row: Row
  id: string
  name: string
  index: number
  start: number
  columns: readonly Column<Row>[]
  isOpen: boolean
  selection: Selection | undefined
  onOpen: ((row: Row) => void) | undefined
}

function BodyRow<Row>(props: BodyRowProps<Row>) {
  const { row, id, name, index, start, columns, isOpen, selection, onOpen } = props
  const selected = selection?.keys.has(id) ?? false
  const select = () => selection?.onChange(toggled(selection.keys, id))
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className={css.row}
      data-open={isOpen}
      data-selected={selected}
      data-clickable={onOpen !== undefined}
      style={{ transform: `translateY(${start}px)` }}
      onClick={onOpen && ((event) => !isControl(event.target) && onOpen(row))}
    >
      {selection && (
        <div role="cell" className={css.cell}>
          <input type="checkbox" aria-label={`Select ${name}`} checked={selected} onChange={select} />
        </div>
      )}
      {columns.map((column) => (
        <div key={column.key} role="cell" className={cx(css.cell, column.align === 'end' && css.end)}>
          {column.render(row)}
        </div>
      ))}
    </div>
  )
}

/** Buttons, links and boxes inside a row keep their clicks. */
function isControl(target: EventTarget): boolean {
  return target instanceof Element && target.closest('a,button,input,label') !== null
}

function toggled(keys: ReadonlySet<string>, key: string): Set<string> {
  const next = new Set(keys)
  if (!next.delete(key)) next.add(key)
  return next
}

interface SelectAllProps<Row> {
  rows: readonly Row[]
  rowKey: (row: Row) => string
  selection: Selection
  label: string
}

function SelectAll<Row>({ rows, rowKey, selection, label }: SelectAllProps<Row>) {
  const count = rows.reduce((total, row) => total + Number(selection.keys.has(rowKey(row))), 0)
  const all = count > 0 && count === rows.length
  return (
    <div role="columnheader" className={css.cell}>
      <input
        type="checkbox"
        aria-label={`Select all ${label.toLowerCase()}`}
        checked={all}
        ref={(node) => {
          if (node) node.indeterminate = count > 0 && !all
        }}
        onChange={() => selection.onChange(all ? new Set() : new Set(rows.map(rowKey)))}
      />
    </div>
  )
}

interface HeadCellProps<Row> {
  column: Column<Row>
  sort: Sort
  onSort: (sort: Sort) => void
  onResize: (width: number) => void
}

function HeadCell<Row>({ column, sort, onSort, onResize }: HeadCellProps<Row>) {
  const on = sort.by === column.key
  const next = on ? !sort.descending : (column.descendingFirst ?? false)
  const order = sort.descending ? 'descending' : 'ascending'
  const Arrow = sort.descending ? ArrowDown : ArrowUp
  return (
    <div
      role="columnheader"
      aria-sort={on ? order : undefined}
      className={cx(css.cell, css.headCell, column.align === 'end' && css.end)}
    >
      {column.value ? (
        <button
          type="button"
          className={css.sort}
          data-on={on}
          onClick={() => onSort({ by: column.key, descending: next })}
        >
          {column.label}
          {on && <Arrow size={12} aria-hidden />}
        </button>
      ) : (
        column.label
      )}
      <span className={css.grip} aria-hidden onPointerDown={(event) => startResize(event, onResize)} />
    </div>
  )
}

function startResize(event: ReactPointerEvent<HTMLElement>, onResize: (width: number) => void): void {
  event.preventDefault()
  event.stopPropagation()
  const cell = event.currentTarget.parentElement
  if (!cell) return
  const base = cell.getBoundingClientRect().width - event.clientX
  const move = (moved: PointerEvent) => onResize(Math.max(MIN_COLUMN_PX, Math.round(base + moved.clientX)))
  const up = () => {
    removeEventListener('pointermove', move)
    removeEventListener('pointerup', up)
  }
  addEventListener('pointermove', move)
  addEventListener('pointerup', up)
}
