import { expect, test } from 'vitest'
import { facetsOf, filterMetrics, queryOf, readWords, toggleIn, unitText } from './filter'
import type { MetricRow } from './queries'

function metric(name: string, type = 'gauge', description = ''): MetricRow {
  return {
    name,
    type,
    description,
    unit: null,
    per_unit: null,
    interval: 15,
    series: 1,
    hosts: 1,
    last_seen: 0,
  }
}

const METRICS = [
  metric('system.cpu.user', 'gauge', 'share of time in user space'),
  metric('system.cpu.idle'),
  metric('system.net.bytes_rcvd', 'rate'),
  metric('systemd.units'),
  metric('app.requests', 'count'),
]
const NONE = { words: [], types: new Set<string>(), prefix: '' }
const names = (metrics: readonly MetricRow[]) => metrics.map(({ name }) => name)

test.each([
  ['cpu user', { words: ['cpu', 'user'], tag: '' }],
  ['CPU env:prod', { words: ['cpu'], tag: 'env:prod' }],
  ['env:prod,!role:db', { words: [], tag: 'env:prod,!role:db' }],
  // While one is still typing the value.
  ['cpu env:', { words: ['cpu'], tag: '' }],
])('%s is read', (q, expected) => {
  expect(readWords(q)).toEqual(expected)
})

test('all words must stand in the name or in the description', () => {
  expect(names(filterMetrics(METRICS, { ...NONE, words: ['system', 'space'] }))).toEqual(['system.cpu.user'])
})

test('a prefix ends at a dot', () => {
  expect(names(filterMetrics(METRICS, { ...NONE, prefix: 'system' }))).toHaveLength(3)
  expect(names(filterMetrics(METRICS, { ...NONE, prefix: 'system.cpu' }))).toHaveLength(2)
})

test('a facet counts what its own alternatives would show', () => {
  const { types, names: all } = facetsOf(METRICS, { words: [], types: new Set(['rate']), prefix: 'system' })
  expect(types).toEqual([
    { value: 'gauge', count: 2 },
    { value: 'rate', count: 1 },
  ])
  expect(all).toEqual(['system.net.bytes_rcvd'])
})

test('a chosen type stays in its facet when nothing is left of it', () => {
  const { types } = facetsOf(METRICS, { words: ['cpu'], types: new Set(['count']), prefix: '' })
  expect(types).toContainEqual({ value: 'count', count: 0 })
})

test('lists in the URL', () => {
  expect(toggleIn(undefined, 'gauge')).toBe('gauge')
  expect(toggleIn('gauge', 'rate')).toBe('gauge,rate')
  expect(toggleIn('gauge', 'gauge')).toBeUndefined()
})

test('units and queries in words', () => {
  expect(unitText({ unit: 'byte', per_unit: 'second' })).toBe('byte / second')
  expect(unitText({ unit: null, per_unit: null })).toBe('')
  expect(queryOf('a.b', 'gauge')).toBe('avg:a.b{*}')
  expect(queryOf('a.b', 'count', 'host')).toBe('sum:a.b{*} by {host}.as_count()')
  expect(queryOf('a.b', 'rate', '', 'env:prod')).toBe('avg:a.b{env:prod}')
})
