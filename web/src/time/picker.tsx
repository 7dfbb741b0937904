// The time range in the top bar: presets, typing, stepping, live or paused.
import { ChevronLeft, ChevronRight, Pause, Play, ZoomOut } from 'lucide-react'
import { useState } from 'react'
import type { FormEvent, KeyboardEvent } from 'react'
import { useShortcut } from '@/keyboard'
import { Button, cx, IconButton, Input, Popover } from '@/ui'
import { rangeText, zoneName } from './format'
import { parseTime } from './parse'
import { PRESETS, spanOf, spanText } from './range'
import type { TimeRange } from './range'
import { useTimeRange } from './use-time-range'
import css from './picker.module.css'

const GROUP = 'Time'

function shortText(range: TimeRange): string {
  const minutes = Math.round(spanOf(range) / 60_000) * 60_000
  return PRESETS.find(({ span }) => span === spanOf(range))?.label ?? spanText(minutes || spanOf(range))
}

export function TimePicker() {
  const { range, live, setRange, stepBy, zoomOut, toggleLive } = useTimeRange()
  const [open, setOpen] = useState(false)
  useShortcut('t', 'Change the time range', GROUP, () => setOpen(true))
  useShortcut('[', 'Step back', GROUP, () => stepBy(-1))
  useShortcut(']', 'Step forward', GROUP, () => stepBy(1))
  useShortcut('z', 'Zoom out', GROUP, zoomOut)
  useShortcut('p', 'Pause or go live', GROUP, toggleLive)
  const choose = (next: TimeRange) => {
    setRange(next)
    setOpen(false)
  }
  const trigger = (
    <Button className={css.range} title={zoneName()} data-short={shortText(range)}>
      <span className={css.words}>{rangeText(range)}</span>
    </Button>
  )
  return (
    <div className={css.group} role="group" aria-label="Time range">
      <IconButton className={css.step} kind="normal" label="Step back" keys="[" onClick={() => stepBy(-1)}>
        <ChevronLeft size={16} />
      </IconButton>
      <Popover
        label="Time range"
        className={css.panel}
        align="end"
        open={open}
        onOpenChange={setOpen}
        trigger={trigger}
      >
        <RangePanel range={range} onChoose={choose} />
      </Popover>
      <IconButton
        className={css.step}
        kind="normal"
        label="Step forward"
        keys="]"
        disabled={live}
        onClick={() => stepBy(1)}
      >
        <ChevronRight size={16} />
      </IconButton>
      <IconButton className={css.step} kind="normal" label="Zoom out" keys="Z" onClick={zoomOut}>
        <ZoomOut size={15} />
      </IconButton>
      <IconButton
        kind="normal"
        label={live ? 'Pause live updates' : 'Go live'}
        keys="P"
        pressed={live}
        onClick={toggleLive}
      >
        {live ? <Pause size={14} /> : <Play size={14} />}
      </IconButton>
    </div>
  )
}

function RangePanel({ range, onChoose }: { range: TimeRange; onChoose: (range: TimeRange) => void }) {
  const [text, setText] = useState('')
  const parsed = text.trim() === '' ? undefined : parseTime(text, Date.now())
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (parsed?.ok) onChoose(parsed.range)
  }
  const spin = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return
    const change = event.key === 'ArrowUp' ? 1 : -1
    const next = spinNumber(text, event.currentTarget.selectionStart ?? text.length, change)
    if (next === undefined) return
    event.preventDefault()
    setText(next)
  }
  return (
    <form onSubmit={submit}>
      <Input
        aria-label="Time range"
        aria-describedby="time-preview"
        aria-invalid={parsed && !parsed.ok ? true : undefined}
        autoFocus
        placeholder={rangeText(range)}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={spin}
      />
      <p id="time-preview" className={cx(css.preview, parsed && !parsed.ok && css.bad)} aria-live="polite">
        {parsed ? (parsed.ok ? rangeText(parsed.range) : parsed.error) : `Zone: ${zoneName()}`}
      </p>
      <div className={css.presets}>
        {PRESETS.map(({ label, words, span }) => (
          <Button
            key={label}
            small
            title={words}
            pressed={range.kind === 'live' && range.span === span}
            onClick={() => onChoose({ kind: 'live', span })}
          >
            {label}
          </Button>
        ))}
      </div>
      <p className={css.hint}>
        Or type: 3h, yesterday, last friday, nov 3 – nov 5, 6:00 am – 1:00 pm, 1/1 – 1/2, unix seconds or
        milliseconds.
      </p>
    </form>
  )
}

/** Arrow keys change the number under the caret, as in `3h` -> `4h`. */
export function spinNumber(text: string, caret: number, change: number): string | undefined {
  for (const match of text.matchAll(/\d+/g)) {
    const end = match.index + match[0].length
    if (caret < match.index || caret > end) continue
    const value = Math.max(0, Number(match[0]) + change)
    return text.slice(0, match.index) + String(value) + text.slice(end)
  }
  return undefined
}
