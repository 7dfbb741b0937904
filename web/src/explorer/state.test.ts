import { describe, expect, test } from 'vitest'
import { formulaProblem, partsOf } from './parts'
import { namesIn, nextRowName, readState, validateSearch, writeState } from './state'
import type { ExplorerSearch } from './state'

const clean = (search: ExplorerSearch) =>
  Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined))

describe('the URL', () => {
  test.each([
    {},
    { a: 'avg:m{*}' },
    { a: 'avg:m{*}', b: 'sum:n{*} by {host}', f1: 'a / b', hide: 'a,b', kind: 'bars', interval: '60' },
    { a: 'x', kind: 'area', stack: 'false' },
    { a: 'x', zero: 'false' },
    { a: 'x', c: '' },
  ])('%j comes back', (search: ExplorerSearch) => {
    expect(clean(writeState(readState(search)))).toEqual(search)
  })

  test('q is another word for a, and strangers are dropped', () => {
    expect(validateSearch({ q: 'avg:m{*}', from: '-1h', x: 'y', kind: 3 })).toEqual({ a: 'avg:m{*}' })
  })

  test('nonsense falls back', () => {
    expect(readState({ kind: 'pie', interval: '-3', hide: '' })).toMatchObject({
      kind: 'line',
      interval: undefined,
      hide: [],
      rows: [{ name: 'a', query: '' }],
    })
  })

  test('names that are gone are not hidden any more', () => {
    const state = readState({ a: 'x', hide: 'a,z' })
    expect(clean(writeState(state)).hide).toBe('a')
  })
})

test('rows take the first free letter', () => {
  expect(
    nextRowName([
      { name: 'a', query: '' },
      { name: 'c', query: '' },
    ]),
  ).toBe('b')
})

test('formulas name rows, not functions', () => {
  const rows = [
    { name: 'a', query: 'x' },
    { name: 'b', query: 'y' },
  ]
  expect(namesIn('abs(a) + top(b, 5)', rows).map(({ name }) => name)).toEqual(['a', 'b'])
  expect(namesIn('a(1)', rows)).toEqual([])
})

describe('requests', () => {
  test('hidden and empty rows are not asked, formulas bring what they name', () => {
    const state = readState({ a: 'avg:m{*}', b: '', c: 'avg:n{*}', f1: 'a / c', hide: 'a' })
    expect(partsOf(state)).toEqual([
      { name: 'c', label: 'avg:n{*}', queries: [{ name: 'c', query: 'avg:n{*}' }] },
      {
        name: 'f1',
        label: 'a / c',
        queries: [
          { name: 'a', query: 'avg:m{*}' },
          { name: 'c', query: 'avg:n{*}' },
        ],
        formula: 'a / c',
      },
    ])
  })

  test('a formula that names nothing says so', () => {
    const state = readState({ a: 'avg:m{*}', f1: 'z * 2' })
    expect(formulaProblem('z * 2', state)).toBe('The formula names no query; there is a')
    expect(formulaProblem('a * 2', state)).toBeUndefined()
  })
})
