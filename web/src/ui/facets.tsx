// Facets: what the rows of a list have in common, with counts, to narrow the list by.
import { ChevronRight } from 'lucide-react'
import { useId, useState } from 'react'
import type { ReactNode } from 'react'
import { SearchInput } from './field'
import css from './facets.module.css'

export interface FacetValue {
  value: string
  label?: string
  count: number
}

export interface FacetProps {
  title: string
  values: readonly FacetValue[]
  chosen: ReadonlySet<string>
  onToggle: (value: string) => void
  /** Starts open. */
  open?: boolean
  children?: ReactNode
}

/** Longer lists get a search field and a way to see the rest. */
const SHORT = 8

const countFormat = new Intl.NumberFormat('en')

export function FacetList({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className={css.list} role="group" aria-label={label}>
      {children}
    </div>
  )
}

export function Facet({ title, values, chosen, onToggle, open = true, children }: FacetProps) {
  const [isOpen, setOpen] = useState(open || chosen.size > 0)
  const bodyId = useId()
  return (
    <section className={css.facet}>
      <button
        type="button"
        className={css.title}
        aria-expanded={isOpen}
        aria-controls={bodyId}
        onClick={() => setOpen(!isOpen)}
      >
        <ChevronRight size={14} className={css.chevron} data-open={isOpen} aria-hidden />
        <span className={css.titleText}>{title}</span>
        {chosen.size > 0 && <span className={css.mark}>{chosen.size}</span>}
      </button>
      <div id={bodyId} hidden={!isOpen}>
        {isOpen && (children ?? <Values {...{ title, values, chosen, onToggle }} />)}
      </div>
    </section>
  )
}

type ValuesProps = Pick<FacetProps, 'title' | 'values' | 'chosen' | 'onToggle'>

function Values({ title, values, chosen, onToggle }: ValuesProps) {
  const [words, setWords] = useState('')
  const [all, setAll] = useState(false)
  const low = words.toLowerCase()
  const found = values.filter(({ value, label }) => (label ?? value).toLowerCase().includes(low))
  const shown = all ? found : found.slice(0, SHORT)
  return (
    <>
      {values.length > SHORT && (
        <SearchInput
          className={css.search}
          label={`Search ${title}`}
          placeholder="Search"
          value={words}
          onChange={setWords}
        />
      )}
      <ul>
        {shown.map(({ value, label, count }) => (
          <li key={value}>
            <label className={css.value}>
              <input type="checkbox" checked={chosen.has(value)} onChange={() => onToggle(value)} />
              <span className={css.name} title={label ?? value}>
                {label ?? value}
              </span>
              <span className={css.count}>{countFormat.format(count)}</span>
            </label>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className={css.none}>Nothing matches</p>}
      {found.length > SHORT && (
        <button type="button" className={css.more} onClick={() => setAll(!all)}>
          {all ? 'Fewer' : `${found.length - SHORT} more`}
        </button>
      )}
    </>
  )
}
