// Reads what people type into the time field: `3h`, `yesterday`, `nov 3 – nov 5`, `last friday`,
// `6:00 am - 1:00 pm`, unix seconds or milliseconds. A date names its whole day; a time of day names
// the latest one that has passed. Everything is in the zone of the browser.
import { DAY, HOUR, MAX_SPAN, MINUTE, MIN_SPAN, MONTH, SECOND, WEEK, YEAR, readInstant } from './range'
import type { TimeRange, TimeWindow } from './range'

export type Parsed = { ok: true; range: TimeRange } | { ok: false; error: string }

const UNIT_WORDS: readonly [pattern: RegExp, length: number][] = [
  [/^(mo|mos|mon|mth|month|months)$/i, MONTH],
  [/^M$/, MONTH],
  [/^(m|min|mins|minute|minutes)$/i, MINUTE],
  [/^(s|sec|secs|second|seconds)$/i, SECOND],
  [/^(h|hr|hrs|hour|hours)$/i, HOUR],
  [/^(d|day|days)$/i, DAY],
  [/^(w|wk|wks|week|weeks)$/i, WEEK],
  [/^(y|yr|yrs|year|years)$/i, YEAR],
]

const MONTH_NAMES = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

const unitLength = (word: string): number | undefined =>
  UNIT_WORDS.find(([pattern]) => pattern.test(word))?.[1]

/** `3h`, `1h 30m`, `past 2 weeks`, `last hour`, `-4h`. */
function readLive(text: string): number | undefined {
  const body = text
    .replace(/^(the\s+)?(past|last)\s+/i, '')
    .replace(/^-\s*/, '')
    .replace(/\s+ago$/i, '')
  const alone = unitLength(body)
  if (alone !== undefined && /^(past|last|the)\b/i.test(text) && !/^(last)\s+(week|month|year)$/i.test(text))
    return alone
  const parts = /^(?:\d+(?:\.\d+)?\s*[a-z]+\s*)+$/i.exec(body)
  if (!parts) return undefined
  let total = 0
  for (const [, amount, word] of body.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/gi)) {
    const length = unitLength(word ?? '')
    if (length === undefined) return undefined
    total += Number(amount) * length
  }
  return total
}

const midnight = (year: number, month: number, day: number): number => new Date(year, month, day).getTime()

function startOfDay(ms: number, plusDays = 0): number {
  const date = new Date(ms)
  return midnight(date.getFullYear(), date.getMonth(), date.getDate() + plusDays)
}

function startOfWeek(ms: number, plusWeeks = 0): number {
  const sinceMonday = (new Date(ms).getDay() + 6) % 7
  return startOfDay(ms, -sinceMonday + 7 * plusWeeks)
}

function startOfMonth(ms: number, plus = 0): number {
  const date = new Date(ms)
  return midnight(date.getFullYear(), date.getMonth() + plus, 1)
}

function startOfYear(ms: number, plus = 0): number {
  return midnight(new Date(ms).getFullYear() + plus, 0, 1)
}

const upTo = (from: number, to: number): TimeWindow => ({ from, to })

/** Names of spans that end at now or at a calendar's edge. */
function readNamed(text: string, now: number): TimeWindow | undefined {
  switch (text) {
    case 'today':
      return upTo(startOfDay(now), now)
    case 'yesterday':
      return upTo(startOfDay(now, -1), startOfDay(now))
    case 'this week':
    case 'week to date':
    case 'wtd':
      return upTo(startOfWeek(now), now)
    case 'last week':
    case 'previous week':
      return upTo(startOfWeek(now, -1), startOfWeek(now))
    case 'this month':
    case 'month to date':
    case 'mtd':
      return upTo(startOfMonth(now), now)
    case 'last month':
    case 'previous month':
      return upTo(startOfMonth(now, -1), startOfMonth(now))
    case 'this year':
    case 'year to date':
    case 'ytd':
      return upTo(startOfYear(now), now)
    case 'last year':
    case 'previous year':
      return upTo(startOfYear(now, -1), startOfYear(now))
    default:
      return undefined
  }
}

function readWeekday(text: string, now: number): number | undefined {
  const match = /^(?:last |this |on )?([a-z]{3,9})$/.exec(text)
  const word = match?.[1]
  if (!word) return undefined
  const wanted = WEEKDAYS.findIndex((name) => word.startsWith(name))
  const full = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'][wanted]
  if (!full?.startsWith(word)) return undefined
  const back = (new Date(now).getDay() - wanted + 7) % 7
  return startOfDay(now, -(back === 0 && text.startsWith('last ') ? 7 : back))
}

function monthIndex(word: string): number {
  const index = MONTH_NAMES.indexOf(word.slice(0, 3))
  if (index < 0) return -1
  const long = new Date(2000, index, 1).toLocaleString('en-US', { month: 'long' }).toLowerCase()
  return long.startsWith(word) || word === 'sept' ? index : -1
}

/** Midnight of a real day; undefined for the 31st of February. Without a year: the latest that has begun. */
function dayOf(year: number | undefined, month: number, day: number, now: number): number | undefined {
  const latest = new Date(now).getFullYear()
  const start = midnight(year ?? latest, month, day)
  if (new Date(start).getMonth() !== month || new Date(start).getDate() !== day) return undefined
  if (year === undefined && start > now) return midnight(latest - 1, month, day)
  return start
}

const fullYear = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined
  return text.length === 2 ? 2000 + Number(text) : Number(text)
}

function readDay(text: string, now: number): number | undefined {
  if (text === 'today') return startOfDay(now)
  if (text === 'yesterday') return startOfDay(now, -1)
  const iso = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})$/.exec(text)
  if (iso) return dayOf(Number(iso[1]), Number(iso[2]) - 1, Number(iso[3]), now)
  const slashes = /^(\d{1,2})\/(\d{1,2})(?:\/(\d{4}|\d{2}))?$/.exec(text)
  if (slashes) return dayOf(fullYear(slashes[3]), Number(slashes[1]) - 1, Number(slashes[2]), now)
  const words =
    /^(?<month>[a-z]{3,9})\.? (?<day>\d{1,2})(?:st|nd|rd|th)?(?:,? (?<year>\d{4}))?$/.exec(text) ??
    /^(?<day>\d{1,2})(?:st|nd|rd|th)?\.? (?<month>[a-z]{3,9})\.?(?:,? (?<year>\d{4}))?$/.exec(text)
  const groups = words?.groups
  if (groups?.month && groups.day) {
    const month = monthIndex(groups.month)
    if (month >= 0) return dayOf(fullYear(groups.year), month, Number(groups.day), now)
  }
  return readWeekday(text, now)
}

/** Milliseconds into the day: `14:30`, `2:30 pm`, `6pm`, `noon`. */
function readClock(text: string): number | undefined {
  if (text === 'noon') return 12 * HOUR
  if (text === 'midnight') return 0
  const match = /^(\d{1,2})(?::(\d{2})(?::(\d{2})(?:\.\d+)?)?)? ?(am|pm)?$/.exec(text)
  if (!match || (match[2] === undefined && match[4] === undefined)) return undefined
  let hour = Number(match[1])
  const minute = Number(match[2] ?? 0)
  const second = Number(match[3] ?? 0)
  if (match[4] !== undefined) {
    if (hour < 1 || hour > 12) return undefined
    hour = (hour % 12) + (match[4] === 'pm' ? 12 : 0)
  }
  if (hour > 24 || minute > 59 || second > 59 || (hour === 24 && minute + second > 0)) return undefined
  return hour * HOUR + minute * MINUTE + second * SECOND
}

/** One end of a range: an instant, or a whole day when no time of day was given. */
interface End {
  from: number
  to: number
  wholeDay: boolean
}

const at = (ms: number): End => ({ from: ms, to: ms, wholeDay: false })

function atClock(day: number, offset: number): number {
  const date = new Date(day)
  date.setHours(0, 0, 0, offset)
  return date.getTime()
}

function readIso(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}[t ]\d{2}:\d{2}/.test(text)) return undefined
  const ms = Date.parse(text.toUpperCase().replace(' ', 'T'))
  return Number.isNaN(ms) ? undefined : ms
}

/** `base` is the day of the other end, for times that come without a date. */
function readEnd(text: string, now: number, base: number | undefined): End | undefined {
  if (text === 'now') return at(now)
  const instant = readInstant(text) ?? readIso(text)
  if (instant !== undefined) return at(instant)
  const day = readDay(text, now)
  if (day !== undefined) return { from: day, to: startOfDay(day, 1), wholeDay: true }
  const clock = readClock(text)
  if (clock !== undefined) {
    const today = atClock(base ?? startOfDay(now), clock)
    return at(base === undefined && today > now ? atClock(startOfDay(now, -1), clock) : today)
  }
  return readDayAndClock(text, now)
}

function readDayAndClock(text: string, now: number): End | undefined {
  const words = text
    .replace(/,? at /, ' ')
    .replaceAll(',', '')
    .split(' ')
  for (let cut = 1; cut < words.length; cut++) {
    const day = readDay(words.slice(0, cut).join(' '), now)
    const clock = readClock(words.slice(cut).join(' '))
    if (day !== undefined && clock !== undefined) return at(atClock(day, clock))
    const clockFirst = readClock(words.slice(0, cut).join(' '))
    const dayLast = readDay(words.slice(cut).join(' '), now)
    if (clockFirst !== undefined && dayLast !== undefined) return at(atClock(dayLast, clockFirst))
  }
  const ago = /^(.+) ago$/.exec(text)
  const span = ago?.[1] ? readLive(ago[1]) : undefined
  return span === undefined ? undefined : at(now - span)
}

function readRange(left: string, right: string, now: number): TimeWindow | undefined {
  const first = readEnd(left, now, undefined)
  if (!first) return undefined
  // `nov 3 - 5`: the month carries over.
  const carried = /^\d{1,2}$/.test(right) ? left.replace(/\d{1,2}/, right) : right
  const last = readEnd(carried, now, startOfDay(first.from))
  if (!last) return undefined
  if (last.to > first.from) return upTo(first.from, Math.min(last.to, Math.max(now, first.from + MIN_SPAN)))
  // `10 pm - 2 am` runs over midnight.
  if (readClock(right) !== undefined)
    return upTo(first.from, atClock(startOfDay(first.from, 1), readClock(right) ?? 0))
  return undefined
}

function separate(text: string): [string, string] | undefined {
  const match = /^(.+?)(?: (?:-|to|until) | ?[–—] ?|\.\.)(.+)$/.exec(text)
  if (match?.[1] && match[2]) return [match[1].trim(), match[2].trim()]
  const tight = /^([^-]+)-([^-]+)$/.exec(text)
  return tight?.[1] && tight[2] ? [tight[1].trim(), tight[2].trim()] : undefined
}

function bounded(window: TimeWindow): Parsed {
  const span = window.to - window.from
  if (span < 0) return { ok: false, error: 'The end lies before the start' }
  if (span < MIN_SPAN) return { ok: false, error: 'A range has at least 10 seconds' }
  if (span > MAX_SPAN) return { ok: false, error: 'A range has at most 5 years' }
  return { ok: true, range: { kind: 'fixed', ...window } }
}

/** `now` in unix ms. */
export function parseTime(input: string, now: number): Parsed {
  const exact = input.trim().replace(/\s+/g, ' ')
  if (exact === '') return { ok: false, error: 'Type a range, such as 3h or yesterday' }
  const text = exact.toLowerCase()
  const named = readNamed(text, now)
  if (named) return bounded({ from: named.from, to: Math.max(named.to, named.from + MIN_SPAN) })
  if (!/ ago$/.test(text)) {
    const span = readLive(exact)
    if (span !== undefined) {
      if (span < MIN_SPAN) return { ok: false, error: 'A range has at least 10 seconds' }
      if (span > MAX_SPAN) return { ok: false, error: 'A range has at most 5 years' }
      return { ok: true, range: { kind: 'live', span } }
    }
  }
  const open = text.replace(/^(since|from) /, '')
  const single = readEnd(open, now, undefined)
  if (single) {
    const since = open !== text || !single.wholeDay
    return bounded(
      since
        ? upTo(single.from, now)
        : upTo(single.from, Math.min(single.to, Math.max(now, single.from + MIN_SPAN))),
    )
  }
  const ends = separate(open)
  const window = ends ? readRange(ends[0], ends[1], now) : undefined
  return window ? bounded(window) : { ok: false, error: `Not a time range: ${exact}` }
}
