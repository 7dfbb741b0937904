import { describe, expect, test } from 'vitest'
import { spinNumber } from './picker'
import { fromSearch, readSpan, spanText, step, toSearch, windowOf, zoomOut } from './range'
import type { TimeRange } from './range'

const HOUR = 3_600_000
const NOW = 1_800_000_000_000
const fixed = (from: number, to: number): TimeRange => ({ kind: 'fixed', from, to })
const live = (span: number): TimeRange => ({ kind: 'live', span })

describe('the URL', () => {
  test.each([live(HOUR), live(5 * 60_000), live(30 * 24 * HOUR), fixed(NOW - HOUR, NOW)])(
    '%j comes back',
    (range) => {
      expect(fromSearch(toSearch(range))).toEqual(range)
    },
  )

  test.each([
    [{}, live(HOUR)],
    [{ from: '-4h' }, live(4 * HOUR)],
    [{ from: String(NOW / 1000), to: String(NOW / 1000 + 3600) }, fixed(NOW, NOW + HOUR)],
    [{ from: String(NOW), to: String(NOW + HOUR), live: 'true' }, live(HOUR)],
    [{ from: String(NOW), to: String(NOW - 1) }, live(HOUR)],
    [{ from: 'x', to: 'y' }, live(HOUR)],
    [{ from: '-1s' }, live(HOUR)],
  ])('%j', (search, range) => {
    expect(fromSearch(search)).toEqual(range)
  })

  test('spans', () => {
    expect(['1h', '90m', '2w', '1M', '45s'].map((text) => spanText(readSpan(text) ?? 0))).toEqual([
      '1h',
      '90m',
      '2w',
      '1M',
      '45s',
    ])
  })
})

describe('moving', () => {
  test('back leaves live, forward reaches it again', () => {
    const back = step(live(HOUR), -1, NOW)
    expect(back).toEqual(fixed(NOW - 2 * HOUR, NOW - HOUR))
    expect(step(back, 1, NOW)).toEqual(live(HOUR))
    expect(step(fixed(NOW - 9 * HOUR, NOW - 8 * HOUR), 1, NOW)).toEqual(fixed(NOW - 8 * HOUR, NOW - 7 * HOUR))
  })

  test('zooming out doubles around the middle and never passes now', () => {
    expect(zoomOut(live(HOUR), NOW)).toEqual(live(2 * HOUR))
    expect(zoomOut(fixed(NOW - 6 * HOUR, NOW - 4 * HOUR), NOW)).toEqual(fixed(NOW - 7 * HOUR, NOW - 3 * HOUR))
    expect(zoomOut(fixed(NOW - 2 * HOUR, NOW), NOW)).toEqual(fixed(NOW - 4 * HOUR, NOW))
  })

  test('windows', () => {
    expect(windowOf(live(HOUR), NOW)).toEqual({ from: NOW - HOUR, to: NOW })
  })
})

test('arrow keys change the number under the caret', () => {
  expect(spinNumber('3h', 1, 1)).toBe('4h')
  expect(spinNumber('1/9 - 1/12', 9, 1)).toBe('1/9 - 1/13')
  expect(spinNumber('0h', 0, -1)).toBe('0h')
  expect(spinNumber('today', 2, 1)).toBeUndefined()
})
