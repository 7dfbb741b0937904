import { expect, test } from 'vitest'
import { ApiError, NetworkError } from '@/api/client'
import { refusalOf, safeNext } from './next'

test.each([
  ['/metrics/explorer?a=avg:x{*}', '/metrics/explorer?a=avg:x{*}'],
  ['/', '/'],
  [undefined, '/'],
  ['', '/'],
  ['https://elsewhere.example', '/'],
  ['//elsewhere.example', '/'],
  ['/\\elsewhere.example', '/'],
  ['/login?next=/login', '/'],
  ['javascript:alert(1)', '/'],
])('after the login %s leads to %s', (next, expected) => {
  expect(safeNext(next)).toBe(expected)
})

test('a refusal says what to do', () => {
  expect(refusalOf(new ApiError(401, ['wrong user name or password'])).title).toBe('Wrong user or password')
  expect(refusalOf(new ApiError(429, ['too many failed logins, try again in 42 s'])).wait).toBe(42)
  expect(refusalOf(new ApiError(500, ['the catalogue is locked'])).text).toBe('the catalogue is locked')
  expect(refusalOf(new NetworkError(new Error('refused'))).title).toBe('The server cannot be reached')
})
