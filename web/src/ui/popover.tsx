// A panel of controls under a button.
import { Popover as Base } from 'radix-ui'
import type { ReactElement, ReactNode } from 'react'
import { cx } from './cx'
import css from './floating.module.css'

export interface PopoverProps {
  trigger: ReactElement
  open?: boolean
  onOpenChange?: (open: boolean) => void
  align?: 'start' | 'center' | 'end'
  label: string
  className?: string
  children: ReactNode
}

export function Popover({
  trigger,
  open,
  onOpenChange,
  align = 'start',
  label,
  className,
  children,
}: PopoverProps) {
  return (
    <Base.Root open={open} onOpenChange={onOpenChange}>
      <Base.Trigger asChild>{trigger}</Base.Trigger>
      <Base.Portal>
        <Base.Content
          aria-label={label}
          className={cx(css.panel, css.popover, className)}
          align={align}
          sideOffset={4}
          collisionPadding={8}
        >
          {children}
        </Base.Content>
      </Base.Portal>
    </Base.Root>
  )
}
