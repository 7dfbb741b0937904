import { expect, test } from 'vitest'
import { prefixTree } from './prefix-tree'
import { nextRow } from './row-walk'
import { readSort, sortRows, sortText } from './table-order'

test('rows sort by number or by name, missing values last either way', () => {
  const rows = ['web-10', 'web-2', null, 'Web-1']
  expect(sortRows(rows, (row) => row, false)).toEqual(['Web-1', 'web-2', 'web-10', null])
  expect(sortRows(rows, (row) => row, true)).toEqual(['web-10', 'web-2', 'Web-1', null])
  expect(sortRows([3, undefined, 20], (row) => row, true)).toEqual([20, 3, undefined])
})

test('a sort in the URL', () => {
  const fallback = { by: 'name', descending: false }
  expect(readSort('-series', fallback)).toEqual({ by: 'series', descending: true })
  expect(readSort(undefined, fallback)).toBe(fallback)
  expect(sortText({ by: 'series', descending: true })).toBe('-series')
})

test('walking rows stops at the ends and starts at them', () => {
  const keys = ['a', 'b', 'c']
  expect(nextRow({ keys, open: 'a' }, 1)).toBe('b')
  expect(nextRow({ keys, open: 'c' }, 1)).toBeUndefined()
  expect(nextRow({ keys, open: 'a' }, -1)).toBeUndefined()
  expect(nextRow({ keys, open: undefined }, 1)).toBe('a')
  expect(nextRow({ keys, open: 'gone' }, -1)).toBe('c')
  expect(nextRow({ keys: [], open: undefined }, 1)).toBeUndefined()
})

test('names become a tree of the prefixes that tell something', () => {
  const tree = prefixTree(['system.cpu.user', 'system.cpu.idle', 'system.load.1', 'app.requests', 'plain'])
  expect(tree.map(({ prefix, count }) => [prefix, count])).toEqual([
    ['app', 1],
    ['system', 3],
  ])
  expect(tree[1]?.children.map(({ prefix, count }) => [prefix, count])).toEqual([['system.cpu', 2]])
})
