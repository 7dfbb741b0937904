// The layout of every list: search and actions on top, facets at the left, the rows; facets fold away on a phone.
import { SlidersHorizontal } from 'lucide-react'
import { useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from './button'
import { useIsPhone } from './columns'
import { Dialog } from './dialog'
import css from './list-page.module.css'

export interface ListPageProps {
  search: ReactNode
  /** What the list holds now: `30 of 2,000 hosts`. */
  summary?: ReactNode
  actions?: ReactNode
  /** Replaces the actions while rows are selected. */
  bulk?: ReactNode
  facets?: ReactNode
  /** How many facet values are chosen. */
  narrowed?: number
  note?: ReactNode
  children: ReactNode
}

export function ListPage({
  search,
  summary,
  actions,
  bulk,
  facets,
  narrowed = 0,
  note,
  children,
}: ListPageProps) {
  const phone = useIsPhone()
  const [open, setOpen] = useState(false)
  return (
    <div className={css.page}>
      <div className={css.tools}>
        <div className={css.search}>{search}</div>
        {phone && facets && (
          <Button onClick={() => setOpen(true)} pressed={narrowed > 0}>
            <SlidersHorizontal size={14} aria-hidden />
            Facets{narrowed > 0 && ` (${narrowed})`}
          </Button>
        )}
        {bulk || actions}
      </div>
      {summary && (
        <p className={css.summary} role="status">
          {summary}
        </p>
      )}
      {note}
      <div className={css.body}>
        {!phone && facets && <aside className={css.facets}>{facets}</aside>}
        <div className={css.rows}>{children}</div>
      </div>
      {phone && facets && (
        <Dialog open={open} onClose={() => setOpen(false)} title="Facets">
          {facets}
        </Dialog>
      )}
    </div>
  )
}
