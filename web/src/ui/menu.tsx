// A menu under a button.
import { DropdownMenu as Base } from 'radix-ui'
import { Check } from 'lucide-react'
import type { ReactElement, ReactNode } from 'react'
import { cx } from './cx'
import css from './floating.module.css'

export interface MenuProps {
  trigger: ReactElement
  children: ReactNode
  align?: 'start' | 'center' | 'end'
}

export function Menu({ trigger, children, align = 'end' }: MenuProps) {
  return (
    <Base.Root modal={false}>
      <Base.Trigger asChild>{trigger}</Base.Trigger>
      <Base.Portal>
        <Base.Content className={css.panel} align={align} sideOffset={4} collisionPadding={8}>
          {children}
        </Base.Content>
      </Base.Portal>
    </Base.Root>
  )
}

export interface MenuItemProps {
  icon?: ReactNode
  hint?: ReactNode
  danger?: boolean
  disabled?: boolean
  onSelect: () => void
  children: ReactNode
}

export function MenuItem({ icon, hint, danger, disabled, onSelect, children }: MenuItemProps) {
  return (
    <Base.Item className={cx(css.item, danger && css.danger)} disabled={disabled} onSelect={onSelect}>
      {icon}
      {children}
      {hint && <span className={css.hint}>{hint}</span>}
    </Base.Item>
  )
}

export interface MenuCheckProps {
  checked: boolean
  onChange: (checked: boolean) => void
  children: ReactNode
}

export function MenuCheck({ checked, onChange, children }: MenuCheckProps) {
  return (
    <Base.CheckboxItem
      className={css.item}
      checked={checked}
      onCheckedChange={onChange}
      onSelect={(event) => event.preventDefault()}
    >
      <span className={css.check}>{checked && <Check size={14} />}</span>
      {children}
    </Base.CheckboxItem>
  )
}

export function MenuHeading({ children }: { children: ReactNode }) {
  return <Base.Label className={css.heading}>{children}</Base.Label>
}

export function MenuSeparator() {
  return <Base.Separator className={css.separator} />
}
