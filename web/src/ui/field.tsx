// Form fields: text, search, choice of one.
import { Select as BaseSelect, ToggleGroup } from 'radix-ui'
import { Check, ChevronDown, Search } from 'lucide-react'
import { useId } from 'react'
import type { ComponentProps, ReactNode } from 'react'
import buttonCss from './button.module.css'
import { cx } from './cx'
import floating from './floating.module.css'
import css from './field.module.css'

export function Input({ className, ...rest }: ComponentProps<'input'>) {
  return <input className={cx(css.input, className)} autoComplete="off" spellCheck={false} {...rest} />
}

export interface FieldProps {
  label: string
  help?: ReactNode
  error?: string
  /** Gets the id and the describing attributes that tie the control to its words. */
  children: (ids: { id: string; 'aria-describedby'?: string; 'aria-invalid'?: boolean }) => ReactNode
}

export function Field({ label, help, error, children }: FieldProps) {
  const id = useId()
  const note = error ?? help
  const noteId = `${id}-note`
  return (
    <div className={css.field}>
      <label className={css.label} htmlFor={id}>
        {label}
      </label>
      {children({
        id,
        'aria-describedby': note ? noteId : undefined,
        'aria-invalid': error ? true : undefined,
      })}
      {note && (
        <span id={noteId} className={error ? css.error : css.help} role={error ? 'alert' : undefined}>
          {note}
        </span>
      )}
    </div>
  )
}

export interface SearchInputProps extends Omit<ComponentProps<'input'>, 'onChange' | 'value'> {
  label: string
  value: string
  onChange: (value: string) => void
}

export function SearchInput({ label, value, onChange, className, ...rest }: SearchInputProps) {
  return (
    <div className={cx(css.search, className)}>
      <Search size={14} aria-hidden />
      <input
        type="text"
        role="searchbox"
        aria-label={label}
        autoComplete="off"
        spellCheck={false}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        {...rest}
      />
    </div>
  )
}

export interface Choice<T extends string> {
  value: T
  label: string
  icon?: ReactNode
}

export interface SelectProps<T extends string> {
  label: string
  value: T
  choices: readonly Choice<T>[]
  onChange: (value: T) => void
  className?: string
}

export function Select<T extends string>({ label, value, choices, onChange, className }: SelectProps<T>) {
  return (
    <BaseSelect.Root value={value} onValueChange={(next) => onChange(next as T)}>
      <BaseSelect.Trigger aria-label={label} className={cx(buttonCss.button, css.select, className)}>
        <BaseSelect.Value />
        <ChevronDown size={14} aria-hidden />
      </BaseSelect.Trigger>
      <BaseSelect.Portal>
        <BaseSelect.Content className={floating.panel} position="popper" sideOffset={4} collisionPadding={8}>
          <BaseSelect.Viewport>
            {choices.map((choice) => (
              <BaseSelect.Item key={choice.value} value={choice.value} className={floating.item}>
                <span className={floating.check}>
                  <BaseSelect.ItemIndicator>
                    <Check size={14} />
                  </BaseSelect.ItemIndicator>
                </span>
                <BaseSelect.ItemText>{choice.label}</BaseSelect.ItemText>
              </BaseSelect.Item>
            ))}
          </BaseSelect.Viewport>
        </BaseSelect.Content>
      </BaseSelect.Portal>
    </BaseSelect.Root>
  )
}

/** A few choices side by side. */
export function Segments<T extends string>({ label, value, choices, onChange }: SelectProps<T>) {
  return (
    <ToggleGroup.Root
      type="single"
      aria-label={label}
      className={css.segments}
      value={value}
      onValueChange={(next) => next && onChange(next as T)}
    >
      {choices.map((choice) => (
        <ToggleGroup.Item key={choice.value} value={choice.value} className={css.segment}>
          {choice.icon}
          {choice.label}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  )
}
