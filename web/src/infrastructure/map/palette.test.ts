import { expect, test } from 'vitest'
import { fillColor, shareOf, sizeShare } from './palette'

test('colours run from the first stop to the last', () => {
  expect(fillColor(0)).toBe('#4fb286')
  expect(fillColor(1)).toBe('#dd6b2f')
  expect(fillColor(0.5)).toBe('#c9b83f')
  expect(fillColor(7)).toBe('#dd6b2f')
})

test('values outside the range keep to its ends', () => {
  expect([-5, 0, 25, 100, 300].map((value) => shareOf(value, 0, 100))).toEqual([0, 0, 0.25, 1, 1])
  expect(shareOf(5, 5, 5)).toBe(0.5)
})

test('sizes', () => {
  expect(sizeShare(undefined, 10)).toBe(0.5)
  expect(sizeShare(10, 10)).toBe(1)
  expect(sizeShare(0, 10)).toBe(0.5)
})
