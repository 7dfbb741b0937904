// A word on hover or focus, for things whose meaning is not written on them.
import { Tooltip as Base } from 'radix-ui'
import type { ReactElement, ReactNode } from 'react'
import css from './floating.module.css'

const DELAY_MS = 350

export function TooltipProvider({ children }: { children: ReactNode }) {
  return <Base.Provider delayDuration={DELAY_MS}>{children}</Base.Provider>
}

export interface TooltipProps {
  text: ReactNode
  keys?: string
  side?: 'top' | 'right' | 'bottom' | 'left'
  children: ReactElement
}

export function Tooltip({ text, keys, side = 'bottom', children }: TooltipProps) {
  return (
    <Base.Root>
      <Base.Trigger asChild>{children}</Base.Trigger>
      <Base.Portal>
        <Base.Content className={css.tooltip} side={side} sideOffset={6} collisionPadding={8}>
          <span>{text}</span>
          {keys && <span className={css.tooltipKeys}>{keys}</span>}
        </Base.Content>
      </Base.Portal>
    </Base.Root>
  )
}
