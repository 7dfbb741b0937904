// Dialogs: a window over the page, a panel at its side, or the whole screen.
import { Dialog as Base } from 'radix-ui'
import { X } from 'lucide-react'
import type { CSSProperties, ReactNode } from 'react'
import { IconButton } from './button'
import css from './floating.module.css'

/**
 * The dialog itself takes the focus unless a field in it has asked for it: the close button would open its
 * tooltip, and the first Escape would go to that.
 */
export function focusDialog(event: Event): void {
  event.preventDefault()
  const content = event.currentTarget
  if (content instanceof HTMLElement && !content.contains(document.activeElement)) content.focus()
}

export interface DialogProps {
  open: boolean
  onClose: () => void
  title: ReactNode
  /** For assistive technology; nothing is shown. */
  description?: string
  width?: number
  foot?: ReactNode
  children: ReactNode
}

export function Dialog({ open, onClose, title, description, width, foot, children }: DialogProps) {
  const style = width ? ({ '--dialog-width': `${width}px` } as CSSProperties) : undefined
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <Base.Overlay className={css.shade} />
        <Base.Content
          className={css.dialog}
          style={style}
          onOpenAutoFocus={focusDialog}
          {...(description ? {} : { 'aria-describedby': undefined })}
        >
          <Head title={title} />
          {description && <Base.Description className="visually-hidden">{description}</Base.Description>}
          <div className={css.dialogBody}>{children}</div>
          {foot && <div className={css.dialogFoot}>{foot}</div>}
        </Base.Content>
      </Base.Portal>
    </Base.Root>
  )
}

function Head({ title, actions }: { title: ReactNode; actions?: ReactNode }) {
  return (
    <div className={css.dialogHead}>
      <Base.Title asChild>
        <h2>{title}</h2>
      </Base.Title>
      {actions}
      <Base.Close asChild>
        <IconButton label="Close" keys="Esc">
          <X size={16} />
        </IconButton>
      </Base.Close>
    </div>
  )
}

export interface SidePanelProps {
  open: boolean
  onClose: () => void
  title: ReactNode
  actions?: ReactNode
  width?: number
  children: ReactNode
}

/** Stands beside a list that stays usable: not modal, closes with Esc. */
export function SidePanel({ open, onClose, title, actions, width, children }: SidePanelProps) {
  const style = width ? ({ '--side-width': `${width}px` } as CSSProperties) : undefined
  return (
    <Base.Root open={open} modal={false} onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <Base.Content
          className={css.side}
          style={style}
          onOpenAutoFocus={focusDialog}
          data-beside
          aria-describedby={undefined}
          onInteractOutside={(event) => event.preventDefault()}
        >
          <Head title={title} actions={actions} />
          <div className={css.dialogBody}>{children}</div>
        </Base.Content>
      </Base.Portal>
    </Base.Root>
  )
}

export interface FullScreenProps {
  open: boolean
  onClose: () => void
  title: ReactNode
  actions?: ReactNode
  children: ReactNode
}

export function FullScreen({ open, onClose, title, actions, children }: FullScreenProps) {
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <Base.Content className={css.full} aria-describedby={undefined} onOpenAutoFocus={focusDialog}>
          <Head title={title} actions={actions} />
          {children}
        </Base.Content>
      </Base.Portal>
    </Base.Root>
  )
}
