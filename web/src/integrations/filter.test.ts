import { describe, expect, test } from 'vitest'
import { facetsOf, filterIntegrations, stateOf, stateOrder, toggleIn } from './filter'
import type { Integration } from './types'

const row = (name: string, change: Partial<Integration> = {}): Integration => ({
  name,
  title: name,
  summary: '',
  category: 'host',
  kind: 'check',
  known: true,
  default: false,
  hosts: 0,
  stale_hosts: 0,
  ok: 0,
  warning: 0,
  error: 0,
  pending: 0,
  versions: [],
  metrics: 0,
  last_run: null,
  reported_at: null,
  ...change,
})

const ROWS = [
  row('mysql', { title: 'MySQL and MariaDB', category: 'databases', hosts: 2, ok: 1, error: 1 }),
  row('disk', { hosts: 3, ok: 3 }),
  row('ntp', { hosts: 1, warning: 1 }),
  row('tls', { hosts: 1, stale_hosts: 1 }),
  row('uptime', { metrics: 1 }),
  row('redisdb', { title: 'Redis', category: 'databases', summary: 'Memory and clients.' }),
]
const ANY = { words: '', states: new Set<string>(), categories: new Set<string>() }
const names = (rows: readonly Integration[]) => rows.map(({ name }) => name)

test('the state is the worst that is known', () => {
  expect(ROWS.map(stateOf)).toEqual(['errors', 'running', 'warnings', 'silent', 'metrics', 'available'])
  const sorted = [...ROWS].sort((left, right) => stateOrder(left).localeCompare(stateOrder(right)))
  expect(names(sorted)).toEqual(['mysql', 'ntp', 'disk', 'uptime', 'tls', 'redisdb'])
})

describe('filters', () => {
  test('words are looked for in name, title and sentence', () => {
    expect(names(filterIntegrations(ROWS, { ...ANY, words: 'maria' }))).toEqual(['mysql'])
    expect(names(filterIntegrations(ROWS, { ...ANY, words: 'redis memory' }))).toEqual(['redisdb'])
  })
  test('what fails is running too', () => {
    expect(names(filterIntegrations(ROWS, { ...ANY, states: new Set(['running']) }))).toEqual([
      'mysql',
      'disk',
      'ntp',
      'uptime',
    ])
    expect(names(filterIntegrations(ROWS, { ...ANY, states: new Set(['errors', 'available']) }))).toEqual([
      'mysql',
      'redisdb',
    ])
  })
  test('a facet counts under the other filters', () => {
    const { states, categories } = facetsOf(ROWS, { ...ANY, categories: new Set(['databases']) })
    expect(states.map(({ value, count }) => [value, count])).toEqual([
      ['running', 1],
      ['errors', 1],
      ['warnings', 0],
      ['silent', 0],
      ['available', 1],
    ])
    expect(categories).toEqual([
      { value: 'databases', count: 2 },
      { value: 'host', count: 4 },
    ])
  })
  test('a value is put into the address and taken out', () => {
    expect(toggleIn(undefined, 'errors')).toBe('errors')
    expect(toggleIn('errors,running', 'errors')).toBe('running')
    expect(toggleIn('errors', 'errors')).toBeUndefined()
  })
})
