import { describe, expect, test } from 'vitest'
import {
  byUrgency,
  counted,
  durationText,
  logLook,
  logMessage,
  logName,
  lookOf,
  messageOf,
  shortSource,
} from './state'
import type { CheckInstance, LogSource } from './types'

const instance = (change: Partial<CheckInstance>): CheckInstance => ({
  host: 'h',
  check: 'c',
  instance: 'c:1',
  status: 'OK',
  version: '',
  last_run: null,
  reported_at: 1,
  stale: false,
  source: null,
  loader: '',
  interval_s: 15,
  runs: 0,
  failed_runs: 0,
  total_ms: 0,
  metric_samples: 0,
  last: null,
  last_ok: null,
  error: '',
  traceback: '',
  warnings: [],
  metadata: {},
  configuration: null,
  ...change,
})

const log = (change: Partial<LogSource>): LogSource => ({
  host: 'h',
  type: 'file',
  state: '',
  reported_at: 1,
  stale: false,
  ...change,
})

test('what fails comes first, what is old last', () => {
  const ids = (['OK', 'PENDING', 'ERROR', 'WARNING'] as const).map((status) =>
    instance({ status, instance: status }),
  )
  const old = instance({ status: 'ERROR', instance: 'old', stale: true })
  expect(byUrgency([old, ...ids]).map((one) => one.instance)).toEqual([
    'ERROR',
    'WARNING',
    'PENDING',
    'OK',
    'old',
  ])
})

test('an old report keeps its word and loses its colour', () => {
  expect(lookOf({ status: 'ERROR', stale: false })).toEqual({ state: 'alert', word: 'ERROR' })
  expect(lookOf({ status: 'ERROR', stale: true })).toEqual({ state: 'no-data', word: 'ERROR' })
})

test('the message is the error, else the warnings', () => {
  expect(messageOf(instance({ error: 'no route', warnings: ['slow'] }))).toBe('no route')
  expect(messageOf(instance({ warnings: ['slow', 'old'] }))).toBe('slow; old')
  expect(messageOf(instance({ status: 'PENDING' }))).toBe('It has not run yet')
  expect(messageOf(instance({}))).toBe('')
})

test('things are counted in words', () => {
  expect([0, 1, 1200].map((count) => counted(count, 'file'))).toEqual(['0 files', '1 file', '1,200 files'])
})

test.each([
  [0, '0 ms'],
  [34.4, '34 ms'],
  [1500, '1.5 s'],
  [90_000, '1.5 min'],
])('%d ms is %s', (ms, expected) => expect(durationText(ms)).toBe(expected))

test.each([
  ['file:/etc/galgo-agent/conf.d/mysql.yaml[0]', 'mysql.yaml[0]'],
  ['file:/etc/galgo-agent/conf.d/mysql.d/conf.yaml[1]', 'mysql.d/conf.yaml[1]'],
  ['container:abc', 'abc'],
  ['/etc/galgo-agent/conf.d/mysql.d/conf.yaml, instance 1', 'mysql.d/conf.yaml, instance 1'],
  ['built in', 'built in'],
])('%s is shown as %s', (source, expected) => expect(shortSource(source)).toBe(expected))

describe('log sources', () => {
  test('are named by where lines come from', () => {
    expect(logName(log({ path: '/var/log/a.log' }))).toBe('/var/log/a.log')
    expect(logName(log({ path: 'file:/var/log/*.log' }))).toBe('/var/log/*.log')
    expect(logName(log({ type: 'tcp', path: 'tcp:10518' }))).toBe('tcp:10518')
    expect(logName(log({ type: 'tcp', port: 10518 }))).toBe('port 10518')
    expect(logName(log({ type: 'journald' }))).toBe('journal of the host')
  })
  test('say what is wrong, and what was', () => {
    expect(logMessage(log({ state: 'error', last_error: 'permission denied' }))).toBe('permission denied')
    expect(logMessage(log({ state: 'ok', last_error: 'no such file', refused: 3 }))).toBe(
      'the server refused 3 lines; earlier: no such file',
    )
    expect(logMessage(log({ state: 'ok', last_error: null }))).toBe('')
  })
  test('show trouble', () => {
    expect(logLook(log({ state: 'ok' })).state).toBe('ok')
    expect(logLook(log({ state: 'error' }))).toEqual({ state: 'alert', word: 'ERROR' })
    expect(logLook(log({ state: 'waiting', last_error: 'over' })).state).toBe('no-data')
    expect(logLook(log({ state: 'ok', stale: true })).state).toBe('no-data')
    expect(logLook(log({})).word).toBe('UNKNOWN')
  })
})
