import { expect, test } from 'vitest'
import { uptimeText } from './status'

test.each([
  [12, '12 s'],
  [720, '12 min'],
  [3 * 3600 + 59, '3 h 0 min'],
  [3 * 86_400 + 4 * 3600, '3 d 4 h'],
])('%i s of running are %s', (seconds, words) => {
  expect(uptimeText(seconds)).toBe(words)
})
