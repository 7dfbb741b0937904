// Text with suggestions: one value (`Combobox`) or several as chips (`ChipsInput`).
import { Popover as Base } from 'radix-ui'
import { X } from 'lucide-react'
import { useId, useRef, useState } from 'react'
import type { KeyboardEvent, RefObject } from 'react'
import { cx } from './cx'
import floating from './floating.module.css'
import css from './combobox.module.css'

export interface Suggestion {
  value: string
  detail?: string
  /** Choosing it goes on with more suggestions instead of being done: `key:`. */
  open?: boolean
}

interface SuggestProps {
  label: string
  text: string
  onText: (text: string) => void
  suggestions: readonly Suggestion[]
  onChoose: (value: string) => void
  /** Enter without a suggestion chosen, and leaving the field. */
  onDone: (text: string) => void
  onBackspace?: () => void
  placeholder?: string
  className?: string
  input: RefObject<HTMLInputElement | null>
  onOpen?: () => void
}

/** The input and its list; shared by both. */
function SuggestInput(props: SuggestProps) {
  const { label, text, onText, suggestions, onChoose, onDone, onBackspace, input } = props
  const [open, setOpen] = useState(false)
  const [at, setAt] = useState(-1)
  const id = useId()
  const selected = Math.min(at, suggestions.length - 1)
  const choose = (suggestion: Suggestion) => {
    setAt(-1)
    if (suggestion.open) onText(suggestion.value)
    else {
      onChoose(suggestion.value)
      setOpen(false)
    }
    input.current?.focus()
  }
  const move = (change: number) => {
    setOpen(true)
    setAt(suggestions.length === 0 ? -1 : (selected + change + suggestions.length) % suggestions.length)
  }
  const onKey = (event: KeyboardEvent) => {
    const chosen = open ? suggestions[selected] : undefined
    if (event.key === 'ArrowDown') move(1)
    else if (event.key === 'ArrowUp') move(selected < 0 ? 0 : -1)
    else if (event.key === 'Enter' || (event.key === 'Tab' && chosen)) {
      if (chosen) choose(chosen)
      else {
        onDone(text)
        setOpen(false)
      }
    } else if (event.key === 'Escape' && open) setOpen(false)
    else if (event.key === 'Backspace' && text === '' && onBackspace) onBackspace()
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  const shown = open && suggestions.length > 0
  return (
    <Base.Root open={shown} onOpenChange={setOpen}>
      <Base.Anchor asChild>
        <input
          ref={input}
          className={cx(css.input, props.className)}
          role="combobox"
          aria-label={label}
          aria-expanded={shown}
          aria-controls={shown ? id : undefined}
          aria-autocomplete="list"
          aria-activedescendant={shown && selected >= 0 ? `${id}-${selected}` : undefined}
          autoComplete="off"
          spellCheck={false}
          placeholder={props.placeholder}
          value={text}
          onChange={(event) => {
            onText(event.target.value)
            setAt(-1)
            setOpen(true)
          }}
          onFocus={() => {
            props.onOpen?.()
            setOpen(true)
          }}
          onClick={() => setOpen(true)}
          onBlur={() => onDone(text)}
          onKeyDown={onKey}
        />
      </Base.Anchor>
      <Base.Portal>
        <Base.Content
          asChild
          align="start"
          sideOffset={6}
          collisionPadding={8}
          onOpenAutoFocus={(event) => event.preventDefault()}
          onCloseAutoFocus={(event) => event.preventDefault()}
          onInteractOutside={(event) => input.current === event.target && event.preventDefault()}
        >
          <div id={id} role="listbox" aria-label={label} className={cx(floating.panel, css.list)}>
            {suggestions.map((suggestion, place) => (
              <div
                key={suggestion.value}
                id={`${id}-${place}`}
                role="option"
                aria-selected={place === selected}
                className={css.item}
                onMouseMove={() => setAt(place)}
                // Not a click: the field would lose its focus first.
                onMouseDown={(event) => {
                  event.preventDefault()
                  choose(suggestion)
                }}
              >
                {suggestion.value}
                {suggestion.detail && <span className={css.detail}>{suggestion.detail}</span>}
              </div>
            ))}
          </div>
        </Base.Content>
      </Base.Portal>
    </Base.Root>
  )
}

export interface ComboboxProps {
  label: string
  value: string
  onChange: (value: string) => void
  /** Suggestions for what is typed now. */
  suggestions: readonly Suggestion[]
  /** What is being typed, for whoever finds the suggestions. */
  onSearch: (text: string) => void
  placeholder?: string
  className?: string
}

export function Combobox({
  label,
  value,
  onChange,
  suggestions,
  onSearch,
  placeholder,
  className,
}: ComboboxProps) {
  const [typed, setTyped] = useState<string | null>(null)
  const input = useRef<HTMLInputElement>(null)
  const finish = (next: string) => {
    setTyped(null)
    if (next.trim() !== value) onChange(next.trim())
  }
  return (
    <div className={cx(css.box, className)}>
      <SuggestInput
        label={label}
        input={input}
        text={typed ?? value}
        placeholder={placeholder}
        suggestions={suggestions}
        onText={(text) => {
          setTyped(text)
          onSearch(text)
        }}
        onOpen={() => {
          onSearch('')
          input.current?.select()
        }}
        onChoose={finish}
        onDone={finish}
      />
    </div>
  )
}

export interface ChipsInputProps {
  label: string
  values: readonly string[]
  onChange: (values: string[]) => void
  suggestions: readonly Suggestion[]
  onSearch: (text: string) => void
  placeholder?: string
  className?: string
}

export function ChipsInput({
  label,
  values,
  onChange,
  suggestions,
  onSearch,
  placeholder,
  className,
}: ChipsInputProps) {
  const [text, setText] = useState('')
  const input = useRef<HTMLInputElement>(null)
  const type = (next: string) => {
    setText(next)
    onSearch(next)
  }
  const add = (value: string) => {
    const next = value.trim()
    type('')
    // A half-typed `key:` is no term yet.
    if (next !== '' && !next.endsWith(':') && !values.includes(next)) onChange([...values, next])
  }
  return (
    <div className={cx(css.box, className)} onClick={() => input.current?.focus()}>
      {values.map((value) => (
        <span key={value} className={css.chip}>
          <span className={css.chipText} title={value}>
            {value}
          </span>
          <button
            type="button"
            className={css.remove}
            aria-label={`Remove ${value}`}
            onClick={(event) => {
              event.stopPropagation()
              onChange(values.filter((other) => other !== value))
            }}
          >
            <X size={12} />
          </button>
        </span>
      ))}
      <SuggestInput
        label={label}
        input={input}
        text={text}
        placeholder={values.length === 0 ? placeholder : undefined}
        suggestions={suggestions}
        onText={type}
        onOpen={() => onSearch(text)}
        onChoose={add}
        onDone={add}
        onBackspace={() => onChange(values.slice(0, -1))}
      />
    </div>
  )
}
