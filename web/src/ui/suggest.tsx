// A text field that offers completions under it, as a combobox.
import { useId, useRef, useState } from 'react'
import type { ComponentProps, KeyboardEvent } from 'react'
import { cx } from './cx'
import fieldCss from './field.module.css'
import css from './suggest.module.css'

export interface Suggestion {
  value: string
  hint?: string
}

export interface SuggestProps extends Omit<ComponentProps<'input'>, 'onChange' | 'value' | 'onSelect'> {
  value: string
  /** Best first; the field shows as many as fit. */
  suggestions: readonly Suggestion[]
  onChange: (value: string) => void
  /** A suggestion was taken, or Enter pressed. */
  onCommit?: (value: string) => void
}

const MAX_SHOWN = 50

export function Suggest({ value, suggestions, onChange, onCommit, className, ...rest }: SuggestProps) {
  const listId = useId()
  const [open, setOpen] = useState(false)
  const [at, setAt] = useState(-1)
  const list = useRef<HTMLUListElement>(null)
  const shown = suggestions.slice(0, MAX_SHOWN)
  const isOpen = open && shown.length > 0
  const take = (next: string) => {
    onChange(next)
    onCommit?.(next)
    setOpen(false)
    setAt(-1)
  }
  const move = (to: number) => {
    setOpen(true)
    setAt(to)
    list.current?.children[to]?.scrollIntoView({ block: 'nearest' })
  }
  const onKey = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === 'ArrowDown') move(Math.min(at + 1, shown.length - 1))
    else if (event.key === 'ArrowUp') move(Math.max(at - 1, 0))
    else if (event.key === 'Enter' && onCommit) take(shown[at]?.value ?? value)
    else if (event.key === 'Enter' && isOpen && at >= 0) take(shown[at]?.value ?? value)
    else if (event.key === 'Escape' && isOpen) setOpen(false)
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <div className={css.box}>
      <input
        {...rest}
        className={cx(fieldCss.input, className)}
        role="combobox"
        aria-autocomplete="list"
        aria-expanded={isOpen}
        aria-controls={listId}
        aria-activedescendant={isOpen && at >= 0 ? `${listId}-${at}` : undefined}
        autoComplete="off"
        spellCheck={false}
        value={value}
        onChange={(event) => {
          onChange(event.target.value)
          setOpen(true)
          setAt(-1)
        }}
        onFocus={(event) => {
          setOpen(true)
          event.target.select()
        }}
        onBlur={() => setOpen(false)}
        onKeyDown={onKey}
      />
      <ul ref={list} id={listId} role="listbox" className={css.list} hidden={!isOpen} aria-label="Suggestions">
        {isOpen &&
          shown.map((suggestion, index) => (
            <li
              key={suggestion.value}
              id={`${listId}-${index}`}
              role="option"
              aria-selected={index === at}
              className={css.option}
              // The field keeps the focus, so that its list does not close before the click arrives.
              onPointerDown={(event) => event.preventDefault()}
              onClick={() => take(suggestion.value)}
            >
              <span>{suggestion.value}</span>
              {suggestion.hint && <span className={css.hint}>{suggestion.hint}</span>}
            </li>
          ))}
      </ul>
    </div>
  )
}
