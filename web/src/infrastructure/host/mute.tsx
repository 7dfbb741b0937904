// Asks until when a host stays muted, and why.
import { useState } from 'react'
import type { FormEvent } from 'react'
import { Button, Dialog, Field, Input, Segments } from '@/ui'
import { instantText, zoneName } from '@/time/format'
import type { MuteSettings } from '../queries'

const HOUR_S = 3600
const SPANS = {
  hour: HOUR_S,
  four: 4 * HOUR_S,
  day: 24 * HOUR_S,
  week: 7 * 24 * HOUR_S,
} as const
type Choice = keyof typeof SPANS | 'ever' | 'until'
const CHOICES: readonly { value: Choice; label: string }[] = [
  { value: 'hour', label: '1 hour' },
  { value: 'four', label: '4 hours' },
  { value: 'day', label: '1 day' },
  { value: 'week', label: '1 week' },
  { value: 'ever', label: 'Until unmuted' },
  { value: 'until', label: 'Until…' },
]

/** The end of a mute in unix seconds: `undefined` for ever, `null` when the time given is not one to come. */
export function endOf(choice: Choice, until: string, nowMs: number): number | undefined | null {
  if (choice === 'ever') return undefined
  const now = Math.floor(nowMs / 1000)
  if (choice !== 'until') return now + SPANS[choice]
  const ms = new Date(until).getTime()
  return Number.isFinite(ms) && ms > nowMs ? Math.floor(ms / 1000) : null
}

export interface MuteDialogProps {
  open: boolean
  title: string
  onClose: () => void
  onMute: (settings: MuteSettings) => void
}

export function MuteDialog({ open, title, onClose, onMute }: MuteDialogProps) {
  return (
    <Dialog open={open} onClose={onClose} title={title} width={560}>
      {open && <MuteForm onClose={onClose} onMute={onMute} />}
    </Dialog>
  )
}

function MuteForm({ onClose, onMute }: Pick<MuteDialogProps, 'onClose' | 'onMute'>) {
  const [choice, setChoice] = useState<Choice>('hour')
  const [until, setUntil] = useState('')
  const [message, setMessage] = useState('')
  const [tried, setTried] = useState(false)
  const end = endOf(choice, until, Date.now())
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setTried(true)
    if (end === null) return
    onMute({
      ...(end === undefined ? {} : { end }),
      ...(message.trim() === '' ? {} : { message: message.trim() }),
    })
  }
  return (
    <form onSubmit={submit} style={{ display: 'grid', gap: 16 }}>
      <p>Monitors do not notify about a muted host. Its data keep arriving.</p>
      <div style={{ overflowX: 'auto' }}>
        <Segments label="How long" value={choice} choices={CHOICES} onChange={setChoice} />
      </div>
      {choice === 'until' && (
        <Field
          label={`Until (${zoneName()})`}
          error={tried && end === null ? 'Choose a time that is still to come' : undefined}
        >
          {(ids) => (
            <Input
              {...ids}
              type="datetime-local"
              value={until}
              onChange={(event) => setUntil(event.target.value)}
            />
          )}
        </Field>
      )}
      <Field label="Reason" help="Shown beside the host, for whoever wonders">
        {(ids) => <Input {...ids} value={message} onChange={(event) => setMessage(event.target.value)} />}
      </Field>
      <div style={{ display: 'flex', gap: 8, alignItems: 'center' }}>
        <Button type="submit" kind="primary">
          Mute
        </Button>
        <Button kind="quiet" onClick={onClose}>
          Cancel
        </Button>
        {end !== null && end !== undefined && <span>until {instantText(end * 1000)}</span>}
      </div>
    </form>
  )
}
