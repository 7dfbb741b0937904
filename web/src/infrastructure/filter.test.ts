import { expect, test } from 'vitest'
import { chosenValues, hostTest, readTerms, stateOf, tagFacets, tellingTags, toggleTerm } from './filter'
import type { HostRow } from './types'

function host(name: string, tags: string[], more: Partial<HostRow> = {}): HostRow {
  return {
    name,
    host_name: name,
    id: 1,
    aliases: [name],
    apps: ['agent'],
    up: true,
    is_muted: false,
    mute_timeout: null,
    last_reported_time: 0,
    tags_by_source: {},
    metrics: {},
    facts: undefined,
    tags,
    ...more,
  }
}

const HOSTS = [
  host('web-1', ['env:prod', 'role:web'], { aliases: ['web-1', 'i-0abc'] }),
  host('web-2', ['env:staging', 'role:web']),
  host('db-1', ['env:prod', 'role:db'], { apps: ['agent', 'mysql'] }),
]

test.each([
  ['', ['web-1', 'web-2', 'db-1']],
  ['env:prod', ['web-1', 'db-1']],
  ['ENV:Prod', ['web-1', 'db-1']],
  ['env:prod role:web', ['web-1']],
  ['env:prod,role:db', ['db-1']],
  ['web', ['web-1', 'web-2']],
  ['mysql', ['db-1']],
  ['i-0a', ['web-1']],
  ['-role:web', ['db-1']],
  ['!env:prod', ['web-2']],
  ['env:prod env:staging role:web', ['web-1', 'web-2']],
  ['env:p*', ['web-1', 'db-1']],
  ['host:web-*', ['web-1', 'web-2']],
  ['host:i-0abc', ['web-1']],
  ['env:', ['web-1', 'web-2', 'db-1']],
  ['env:pro', []],
  ['*', ['web-1', 'web-2', 'db-1']],
  ['-', ['web-1', 'web-2', 'db-1']],
  ['env:(prod', []],
])('%s finds its hosts', (filter, expected) => {
  expect(HOSTS.filter(hostTest(filter)).map(({ name }) => name)).toEqual(expected)
})

test('terms', () => {
  expect(readTerms('a, -b  !c:d')).toEqual([
    { text: 'a', negated: false },
    { text: 'b', negated: true },
    { text: 'c:d', negated: true },
  ])
})

test('facets count hosts, common keys first, without the host itself', () => {
  expect(tagFacets([...HOSTS, host('x', ['host:x', 'team:a', 'alone'])])).toEqual([
    {
      key: 'env',
      values: [
        { value: 'prod', count: 2 },
        { value: 'staging', count: 1 },
      ],
    },
    {
      key: 'role',
      values: [
        { value: 'web', count: 2 },
        { value: 'db', count: 1 },
      ],
    },
    { key: 'team', values: [{ value: 'a', count: 1 }] },
  ])
})

test('telling tags come first', () => {
  expect(tellingTags(['a:1', 'host:x', 'role:web', 'env:prod', 'alone'])).toEqual([
    'env:prod',
    'role:web',
    'a:1',
    'alone',
  ])
})

test('a facet goes into the filter text and out again', () => {
  expect(toggleTerm('web', 'env:prod')).toBe('web env:prod')
  expect(toggleTerm('web env:prod', 'env:prod')).toBe('web')
  expect(chosenValues('web env:prod -env:staging', 'env')).toEqual(new Set(['prod']))
})

test('muted says more than up or down', () => {
  expect(stateOf({ up: false, is_muted: true })).toBe('muted')
  expect(stateOf({ up: false, is_muted: false })).toBe('down')
})
