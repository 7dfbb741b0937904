// Words under the time axis: the coarsest form that still tells neighbouring ticks apart.
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const seconds = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const day = new Intl.DateTimeFormat('en-US', { month: 'short', day: 'numeric' })
const month = new Intl.DateTimeFormat('en-US', { month: 'short' })
const year = new Intl.DateTimeFormat('en-US', { year: 'numeric' })

const MINUTE = 60_000
const DAY = 86_400_000
const MONTH = 28 * DAY

function startsDay(ms: number): boolean {
  const date = new Date(ms)
  return date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0
}

/** `step` is the distance between ticks in ms. */
export function timeTick(ms: number, step: number): string {
  const date = new Date(ms)
  if (step >= MONTH)
    return date.getMonth() === 0 && date.getDate() === 1 ? year.format(date) : month.format(date)
  if (step >= DAY || startsDay(ms)) return day.format(date)
  if (step < MINUTE) return seconds.format(date)
  return clock.format(date)
}
