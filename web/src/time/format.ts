// Times as people read them, in their own zone.
import { DAY, HOUR, MINUTE, PRESETS, SECOND, WEEK, YEAR, spanText } from './range'
import type { TimeRange } from './range'

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const clockSeconds = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
})
const day = new Intl.DateTimeFormat('en-US', { month: 'short', day: 'numeric' })
const dayYear = new Intl.DateTimeFormat('en-US', { month: 'short', day: 'numeric', year: 'numeric' })

/** The zone's name, such as `Europe/Berlin`. */
export const zoneName = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone

/** `Nov 3, 14:05:20`; with the year when it is not this one. */
export function instantText(ms: number, now = Date.now()): string {
  const date = new Date(ms)
  const far = new Date(now).getFullYear() !== date.getFullYear()
  return `${(far ? dayYear : day).format(date)}, ${clockSeconds.format(date)}`
}

/** `3 min ago`, `in 2 h`, `just now`. */
export function relativeText(ms: number, now: number): string {
  const distance = Math.abs(now - ms)
  if (distance < 5 * SECOND) return 'just now'
  const steps: [number, string][] = [
    [YEAR, 'y'],
    [WEEK, 'w'],
    [DAY, 'd'],
    [HOUR, 'h'],
    [MINUTE, 'min'],
    [SECOND, 's'],
  ]
  const [length, unit] = steps.find(([size]) => distance >= size) ?? [SECOND, 's']
  const text = `${Math.floor(distance / length)} ${unit}`
  return ms <= now ? `${text} ago` : `in ${text}`
}

function dayText(ms: number, now: number): string {
  const date = new Date(ms)
  return (new Date(now).getFullYear() === date.getFullYear() ? day : dayYear).format(date)
}

const isMidnight = (ms: number): boolean => {
  const date = new Date(ms)
  return date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0
}

/** A window in words: `Nov 3 – Nov 5`, `Nov 3, 10:00 – 14:30`. */
export function windowText(from: number, to: number, now = Date.now()): string {
  if (isMidnight(from) && isMidnight(to)) {
    const first = dayText(from, now)
    const last = dayText(to - 1, now)
    return first === last ? first : `${first} – ${last}`
  }
  const form = to - from < 10 * MINUTE ? clockSeconds : clock
  const start = `${dayText(from, now)}, ${form.format(from)}`
  const sameDay = new Date(from).toDateString() === new Date(to).toDateString()
  return `${start} – ${sameDay ? '' : `${dayText(to, now)}, `}${form.format(to)}`
}

/** A range in words for the picker. */
export function rangeText(range: TimeRange): string {
  if (range.kind === 'fixed') return windowText(range.from, range.to)
  const preset = PRESETS.find((candidate) => candidate.span === range.span)
  return preset ? preset.words : `Past ${spanText(range.span)}`
}
