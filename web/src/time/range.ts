// A page's time range: what it is, how it stands in the URL, and how it steps and zooms.
// All times are unix milliseconds, all spans milliseconds.

export interface LiveRange {
  kind: 'live'
  /** How far back from now, in ms. */
  span: number
}

export interface FixedRange {
  kind: 'fixed'
  from: number
  to: number
}

export type TimeRange = LiveRange | FixedRange

export interface TimeWindow {
  from: number
  to: number
}

export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
export const WEEK = 7 * DAY
export const MONTH = 30 * DAY
export const YEAR = 365 * DAY

/** Shorter ranges hold no point of a metric; longer ones hold nothing but time outs. */
export const MIN_SPAN = 10 * SECOND
export const MAX_SPAN = 5 * YEAR

export interface Preset {
  label: string
  words: string
  span: number
}

export const PRESETS: readonly Preset[] = [
  { label: '5m', words: 'Past 5 minutes', span: 5 * MINUTE },
  { label: '15m', words: 'Past 15 minutes', span: 15 * MINUTE },
  { label: '1h', words: 'Past 1 hour', span: HOUR },
  { label: '4h', words: 'Past 4 hours', span: 4 * HOUR },
  { label: '1d', words: 'Past 1 day', span: DAY },
  { label: '2d', words: 'Past 2 days', span: 2 * DAY },
  { label: '1w', words: 'Past 1 week', span: WEEK },
  { label: '1M', words: 'Past 1 month', span: MONTH },
  { label: '3M', words: 'Past 3 months', span: 3 * MONTH },
]

export const DEFAULT_RANGE: TimeRange = { kind: 'live', span: HOUR }

const UNITS: readonly [suffix: string, length: number][] = [
  ['y', YEAR],
  ['M', MONTH],
  ['w', WEEK],
  ['d', DAY],
  ['h', HOUR],
  ['m', MINUTE],
  ['s', SECOND],
]

/** `5400000` -> `90m`: the largest unit that divides the span. */
export function spanText(span: number): string {
  for (const [suffix, length] of UNITS) {
    if (span >= length && span % length === 0) return `${span / length}${suffix}`
  }
  return `${Math.max(1, Math.round(span / SECOND))}s`
}

/** Reads what `spanText` writes, case matters (`m` minute, `M` month). */
export function readSpan(text: string): number | undefined {
  const match = /^(\d{1,9}(?:\.\d+)?)([smhdwMy])$/.exec(text)
  if (!match) return undefined
  const length = UNITS.find(([suffix]) => suffix === match[2])?.[1]
  return length === undefined ? undefined : Number(match[1]) * length
}

/** How often a live page asks again, by the span that it shows. */
export function refreshEvery(span: number): number {
  if (span <= 10 * MINUTE) return 10 * SECOND
  if (span <= HOUR) return 20 * SECOND
  if (span <= 4 * HOUR) return MINUTE
  if (span <= DAY) return 3 * MINUTE
  if (span <= 2 * DAY) return 10 * MINUTE
  return HOUR
}

export function windowOf(range: TimeRange, now: number): TimeWindow {
  if (range.kind === 'fixed') return { from: range.from, to: range.to }
  return { from: now - range.span, to: now }
}

export function spanOf(range: TimeRange): number {
  return range.kind === 'live' ? range.span : range.to - range.from
}

function fixed(from: number, to: number): FixedRange {
  return { kind: 'fixed', from: Math.round(from), to: Math.round(to) }
}

/** A step that ends within this share of its span before now means now. */
const NEARLY_NOW = 0.1

/** One span back (-1) or forward (+1); a step that reaches now becomes live again. */
export function step(range: TimeRange, direction: -1 | 1, now: number): TimeRange {
  const { from, to } = windowOf(range, now)
  const span = to - from
  if (range.kind === 'live' && direction === 1) return range
  if (direction === 1 && to + span >= now - Math.max(span * NEARLY_NOW, MINUTE)) return { kind: 'live', span }
  return fixed(from + direction * span, to + direction * span)
}

/** Twice the span around the same middle, never beyond now. */
export function zoomOut(range: TimeRange, now: number): TimeRange {
  const span = Math.min(spanOf(range) * 2, MAX_SPAN)
  if (range.kind === 'live') return { kind: 'live', span }
  const middle = (range.from + range.to) / 2
  if (middle + span / 2 >= now) return fixed(now - span, now)
  return fixed(middle - span / 2, middle + span / 2)
}

export interface RangeSearch {
  from?: string
  to?: string
  live?: string
}

export function toSearch(range: TimeRange): RangeSearch {
  if (range.kind === 'live') return { from: `-${spanText(range.span)}`, to: undefined, live: 'true' }
  return { from: String(range.from), to: String(range.to), live: 'false' }
}

/** Ten digits or fewer are seconds, more are milliseconds. */
export function readInstant(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{9,16}(\.\d+)?$/.test(text)) return undefined
  const value = Number(text)
  return value < 1e11 ? Math.round(value * SECOND) : Math.round(value)
}

/** What the URL says, or the default where it says nothing that makes sense. */
export function fromSearch(search: RangeSearch): TimeRange {
  const { from, to } = search
  if (from?.startsWith('-')) {
    const span = readSpan(from.slice(1))
    if (span !== undefined && span >= MIN_SPAN) return { kind: 'live', span: Math.min(span, MAX_SPAN) }
  }
  const start = readInstant(from)
  const end = readInstant(to)
  if (start === undefined || end === undefined || end - start < MIN_SPAN) return DEFAULT_RANGE
  if (search.live === 'true') return { kind: 'live', span: Math.min(end - start, MAX_SPAN) }
  return fixed(Math.max(start, end - MAX_SPAN), end)
}
