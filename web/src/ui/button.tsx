// Buttons: one with words, one with an icon that carries its words as label and tooltip.
import type { ComponentProps, ReactNode } from 'react'
import { cx } from './cx'
import { Tooltip } from './tooltip'
import css from './button.module.css'

export interface ButtonProps extends ComponentProps<'button'> {
  kind?: 'normal' | 'primary' | 'danger' | 'quiet'
  small?: boolean
  /** For toggles: on or off, told to assistive technology too. */
  pressed?: boolean
}

export function Button({
  kind = 'normal',
  small,
  pressed,
  className,
  type = 'button',
  ...rest
}: ButtonProps) {
  const look = kind === 'normal' ? undefined : css[kind]
  return (
    <button
      type={type}
      aria-pressed={pressed}
      className={cx(css.button, look, small && css.small, pressed && css.pressed, className)}
      {...rest}
    />
  )
}

export interface IconButtonProps extends Omit<ButtonProps, 'children'> {
  label: string
  /** Shown in the tooltip after the label. */
  keys?: string
  children: ReactNode
}

export function IconButton({ label, keys, kind = 'quiet', className, children, ...rest }: IconButtonProps) {
  return (
    <Tooltip text={label} keys={keys}>
      <Button kind={kind} aria-label={label} className={cx(css.icon, className)} {...rest}>
        {children}
      </Button>
    </Tooltip>
  )
}
