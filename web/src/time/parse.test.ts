import { describe, expect, test } from 'vitest'
import { parseTime } from './parse'

// A Wednesday, 15:30 in whatever zone the test runs.
const NOW = new Date(2026, 10, 11, 15, 30, 0).getTime()
const at = (month: number, day: number, hour = 0, minute = 0, year = 2026) =>
  new Date(year, month - 1, day, hour, minute).getTime()

const HOUR = 3_600_000
const DAY = 24 * HOUR

describe('spans that end now', () => {
  test.each([
    ['3h', 3 * HOUR],
    ['45m', 45 * 60_000],
    ['90s', 90_000],
    ['1d', DAY],
    ['2w', 14 * DAY],
    ['3 mo', 90 * DAY],
    ['1M', 30 * DAY],
    ['1m', 60_000],
    ['1y', 365 * DAY],
    ['1h 30m', 1.5 * HOUR],
    ['1.5h', 1.5 * HOUR],
    ['-4h', 4 * HOUR],
    ['past 2 hours', 2 * HOUR],
    ['last 15 minutes', 15 * 60_000],
    ['past hour', HOUR],
    ['  3   hours ', 3 * HOUR],
  ])('%s', (text, span) => {
    expect(parseTime(text, NOW)).toEqual({ ok: true, range: { kind: 'live', span } })
  })
})

describe('fixed ranges', () => {
  test.each([
    ['today', at(11, 11), NOW],
    ['yesterday', at(11, 10), at(11, 11)],
    ['this week', at(11, 9), NOW],
    ['week to date', at(11, 9), NOW],
    ['last week', at(11, 2), at(11, 9)],
    ['this month', at(11, 1), NOW],
    ['last month', at(10, 1), at(11, 1)],
    ['last friday', at(11, 6), at(11, 7)],
    ['friday', at(11, 6), at(11, 7)],
    ['last wednesday', at(11, 4), at(11, 5)],
    ['nov 3', at(11, 3), at(11, 4)],
    ['Nov 3rd', at(11, 3), at(11, 4)],
    ['3 november', at(11, 3), at(11, 4)],
    ['dec 24', at(12, 24, 0, 0, 2025), at(12, 25, 0, 0, 2025)],
    ['nov 3 2025', at(11, 3, 0, 0, 2025), at(11, 4, 0, 0, 2025)],
    ['2026-11-03', at(11, 3), at(11, 4)],
    ['11/3', at(11, 3), at(11, 4)],
    ['1/1 - 1/2', at(1, 1), at(1, 3)],
    ['nov 3 – nov 5', at(11, 3), at(11, 6)],
    ['nov 3 - nov 5', at(11, 3), at(11, 6)],
    ['nov 3 to nov 5', at(11, 3), at(11, 6)],
    ['nov 3 - 5', at(11, 3), at(11, 6)],
    ['nov 3 10:00 - nov 3 14:30', at(11, 3, 10), at(11, 3, 14, 30)],
    ['nov 3 10:00 – 14:30', at(11, 3, 10), at(11, 3, 14, 30)],
    ['nov 3, 6pm - nov 4, 2am', at(11, 3, 18), at(11, 4, 2)],
    ['6:00 am - 1:00 pm', at(11, 11, 6), at(11, 11, 13)],
    ['yesterday 10 pm - 2 am', at(11, 10, 22), at(11, 11, 2)],
    ['14:30', at(11, 11, 14, 30), NOW],
    ['18:00', at(11, 10, 18), NOW],
    ['since nov 3', at(11, 3), NOW],
    ['nov 3 - now', at(11, 3), NOW],
    ['3 hours ago - 1 hour ago', NOW - 3 * HOUR, NOW - HOUR],
  ])('%s', (text, from, to) => {
    expect(parseTime(text, NOW)).toEqual({ ok: true, range: { kind: 'fixed', from, to } })
  })

  test('unix seconds and milliseconds, one end or two', () => {
    const from = 1_700_000_000_000
    const range = { kind: 'fixed', from, to: from + HOUR }
    expect(parseTime('1700000000 - 1700003600', NOW)).toEqual({ ok: true, range })
    expect(parseTime('1700000000000 - 1700003600000', NOW)).toEqual({ ok: true, range })
    expect(parseTime('1700000000', NOW)).toEqual({ ok: true, range: { kind: 'fixed', from, to: NOW } })
  })

  test('ISO instants keep their zone', () => {
    expect(parseTime('2026-11-03T10:00:00Z - 2026-11-03T12:00:00Z', NOW)).toEqual({
      ok: true,
      range: { kind: 'fixed', from: Date.UTC(2026, 10, 3, 10), to: Date.UTC(2026, 10, 3, 12) },
    })
  })
})

describe('what is no range', () => {
  test.each(['', 'soon', 'feb 31', '25:00', '13 pm', '3 parsecs', 'nov 5 - nov 3', '1s', '99y'])(
    '%s',
    (text) => {
      expect(parseTime(text, NOW).ok).toBe(false)
    },
  )
})
