// What the page says about itself: states, errors, progress, things to copy.
import { Ban, Check, CircleCheck, CircleHelp, Copy, OctagonAlert, TriangleAlert, VolumeX } from 'lucide-react'
import { useState } from 'react'
import type { ComponentProps, ReactNode } from 'react'
import { messageOf } from '@/api/client'
import { Button, IconButton } from './button'
import { cx } from './cx'
import css from './feedback.module.css'

export function Card({ className, ...rest }: ComponentProps<'section'>) {
  return <section className={cx(css.card, className)} {...rest} />
}

export interface EmptyProps {
  title: string
  icon?: ReactNode
  /** One sentence, one command to copy, one link. */
  children?: ReactNode
}

export function Empty({ title, icon, children }: EmptyProps) {
  return (
    <div className={css.empty}>
      {icon}
      <h2>{title}</h2>
      {children}
    </div>
  )
}

export function ErrorNote({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  return (
    <div className={css.error} role="alert">
      <OctagonAlert size={16} aria-hidden />
      <span>{messageOf(error)}</span>
      {onRetry && (
        <Button small onClick={onRetry}>
          Retry
        </Button>
      )}
    </div>
  )
}

/** A thin bar along the top edge of the nearest positioned ancestor. */
export function ProgressBar({ label = 'Loading' }: { label?: string }) {
  return <div className={css.bar} role="progressbar" aria-label={label} />
}

const COPIED_MS = 1500

export function CopyButton({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [copied, setCopied] = useState(false)
  const copy = () => {
    void navigator.clipboard.writeText(text).then(() => {
      setCopied(true)
      setTimeout(() => setCopied(false), COPIED_MS)
    })
  }
  return (
    <IconButton label={copied ? 'Copied' : label} onClick={copy} small>
      {copied ? <Check size={14} /> : <Copy size={14} />}
    </IconButton>
  )
}

/** A command or a file to copy as it stands. */
export function Command({ children, label }: { children: string; label?: string }) {
  return (
    <div className={css.command}>
      <pre tabIndex={0} aria-label={label ?? 'Command'}>
        {children}
      </pre>
      <CopyButton text={children} label="Copy command" />
    </div>
  )
}

export type State = 'ok' | 'warn' | 'alert' | 'no-data' | 'muted'

const STATE_ICONS = {
  ok: CircleCheck,
  warn: TriangleAlert,
  alert: OctagonAlert,
  'no-data': CircleHelp,
  muted: VolumeX,
}

/** A state as shape, colour and word. */
export function Status({ state, children }: { state: State; children: ReactNode }) {
  const Icon = STATE_ICONS[state] ?? Ban
  return (
    <span className={css.status}>
      <Icon size={14} className={css[state]} aria-hidden />
      {children}
    </span>
  )
}

export function Tag({
  children,
  onClick,
  title,
}: {
  children: string
  onClick?: () => void
  title?: string
}) {
  if (!onClick) {
    return (
      <span className={css.tag} title={title ?? children}>
        {children}
      </span>
    )
  }
  return (
    <button type="button" className={css.tag} title={title ?? children} onClick={onClick}>
      {children}
    </button>
  )
}

const KEY_WORDS: Record<string, string> = {
  Escape: 'Esc',
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
}
const onMac = typeof navigator !== 'undefined' && /Mac|iP(hone|ad)/.test(navigator.userAgent)

/** `mod+k` -> `⌘K` or `Ctrl K`; `g m` -> `G M`. */
export function keyWords(keys: string): string[] {
  return keys.split(' ').map((key) => {
    const plain = key.replace(/^mod\+/, '')
    const word = KEY_WORDS[plain] ?? (plain.length === 1 ? plain.toUpperCase() : plain)
    if (plain === key) return word
    return onMac ? `⌘${word}` : `Ctrl ${word}`
  })
}

export function Kbd({ keys }: { keys: string }) {
  return keyWords(keys).map((word) => (
    <kbd key={word} className={css.kbd}>
      {word}
    </kbd>
  ))
}
