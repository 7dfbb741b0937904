import { expect, test } from 'vitest'
import { DEFAULT_FILL, rangeOf, readFill } from './fill'

test.each([
  ['cpu', 'cpu'],
  ['CPU used', 'cpu'],
  ['system.load.1', 'avg:system.load.1'],
  ['max:system.disk.in_use', 'max:system.disk.in_use'],
  ['max:system.disk.in_use{*}', undefined],
  ['no metric', undefined],
  ['', undefined],
])('%s is read as %s', (text, id) => {
  expect(readFill(text)?.id).toBe(id)
})

test('any metric is asked for per host', () => {
  expect(readFill('max:a.b')?.query).toBe('max:a.b{*} by {host}')
})

test('the range: set by hand, natural, or that of the values', () => {
  expect(rangeOf(DEFAULT_FILL, [1, 2], {})).toEqual([0, 100])
  expect(rangeOf(DEFAULT_FILL, [1, 2], { max: '50' })).toEqual([0, 50])
  expect(rangeOf(DEFAULT_FILL, [1, 2], { max: 'x' })).toEqual([0, 100])
  const any = readFill('a.b') ?? DEFAULT_FILL
  expect(rangeOf(any, [3, 8], {})).toEqual([0, 8])
  expect(rangeOf(any, [-3, 8], {})).toEqual([-3, 8])
  expect(rangeOf(any, [], {})).toEqual([0, 1])
})
