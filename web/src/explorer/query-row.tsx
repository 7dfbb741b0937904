// One query: its letter, its text, its form, its buttons.
import { CopyPlus, Eye, EyeOff, SlidersHorizontal, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { readForm } from '@/query/form'
import { QueryEditor } from '@/query/editor'
import { cx, IconButton } from '@/ui'
import css from './explorer.module.css'
import { QueryFormFields } from './query-form'
import type { FormulaRow, Row } from './state'

export interface QueryRowProps {
  row: Row
  shown: boolean
  error: string | undefined
  only: boolean
  onQuery: (query: string) => void
  onShown: () => void
  onCopy: () => void
  onRemove: () => void
}

const FORM_KEY = 'galgo.query-form'

function rememberedForm(): boolean {
  try {
    return localStorage.getItem(FORM_KEY) !== 'closed'
  } catch {
    return true
  }
}

/** What is being typed; the URL gets it on Enter, on leaving, or from the form, and overrules it when it changes. */
function useDraft(committed: string): [text: string, setText: (text: string) => void] {
  const [text, setText] = useState(committed)
  const [seen, setSeen] = useState(committed)
  if (seen !== committed) {
    setSeen(committed)
    setText(committed)
  }
  return [text, setText]
}

export function QueryRow({ row, shown, error, only, onQuery, onShown, onCopy, onRemove }: QueryRowProps) {
  const [text, setText] = useDraft(row.query)
  const [formOpen, setFormOpen] = useState(rememberedForm)
  const form = readForm(text)
  const toggleForm = () => {
    try {
      localStorage.setItem(FORM_KEY, formOpen ? 'closed' : 'open')
    } catch {
      // Not remembered, then.
    }
    setFormOpen(!formOpen)
  }
  const change = (query: string) => {
    setText(query)
    onQuery(query)
  }
  return (
    <li className={css.row} aria-label={`Query ${row.name}`}>
      <Letter name={row.name} shown={shown} onShown={onShown} />
      <div className={css.fields}>
        <QueryEditor
          label={`Query ${row.name}`}
          value={text}
          error={text === row.query ? error : undefined}
          placeholder="avg:system.load.1{*} by {host}"
          autoFocus={row.query === '' && only}
          onChange={setText}
          onCommit={(query) => onQuery(query.trim())}
        />
        {error && text === row.query && <p className={css.error}>{error}</p>}
        {formOpen && form && <QueryFormFields name={row.name} form={form} onChange={change} />}
        {formOpen && !form && (
          <p className={css.note}>This query is more than the form can show; edit it as text.</p>
        )}
      </div>
      <div className={css.rowButtons}>
        <IconButton
          label={formOpen ? 'Hide the form' : 'Show the form'}
          pressed={formOpen}
          onClick={toggleForm}
        >
          <SlidersHorizontal size={15} />
        </IconButton>
        <IconButton label="Duplicate" onClick={onCopy}>
          <CopyPlus size={15} />
        </IconButton>
        <IconButton label="Remove" disabled={only && row.query === ''} onClick={onRemove}>
          <Trash2 size={15} />
        </IconButton>
      </div>
    </li>
  )
}

function Letter({ name, shown, onShown }: { name: string; shown: boolean; onShown: () => void }) {
  const Icon = shown ? Eye : EyeOff
  return (
    <IconButton
      className={cx(css.letter, !shown && css.letterOff)}
      label={shown ? `Do not draw ${name}` : `Draw ${name}`}
      aria-pressed={shown}
      onClick={onShown}
    >
      <span className={css.letterName}>{name}</span>
      <Icon size={13} />
    </IconButton>
  )
}

export interface FormulaRowProps {
  row: FormulaRow
  shown: boolean
  error: string | undefined
  onFormula: (formula: string) => void
  onShown: () => void
  onRemove: () => void
}

export function FormulaRowFields({ row, shown, error, onFormula, onShown, onRemove }: FormulaRowProps) {
  const [text, setText] = useDraft(row.formula)
  return (
    <li className={css.row} aria-label={`Formula ${row.name}`}>
      <Letter name={row.name} shown={shown} onShown={onShown} />
      <div className={css.fields}>
        <QueryEditor
          label={`Formula ${row.name}`}
          value={text}
          completion={false}
          error={text === row.formula ? error : undefined}
          placeholder="a / b * 100"
          onChange={setText}
          onCommit={(formula) => onFormula(formula.trim())}
        />
        {error && text === row.formula && <p className={css.error}>{error}</p>}
      </div>
      <div className={css.rowButtons}>
        <IconButton label="Remove" onClick={onRemove}>
          <Trash2 size={15} />
        </IconButton>
      </div>
    </li>
  )
}
