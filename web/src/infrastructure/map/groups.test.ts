import { expect, test } from 'vitest'
import type { HostRow } from '../types'
import { entriesOf, readGroups, toggleGroup } from './groups'
import { readScalar, valueOf } from './values'

const host = (name: string, tags: string[], aliases: string[] = []): HostRow =>
  ({ name, tags, aliases }) as unknown as HostRow

test('hosts lie in the groups of their tags', () => {
  const hosts = [host('a', ['env:prod', 'role:web', 'role:api']), host('b', ['env:prod']), host('c', [])]
  expect(entriesOf(hosts, ['env', 'role'])).toEqual([
    { host: 0, path: ['prod', 'web'] },
    { host: 0, path: ['prod', 'api'] },
    { host: 1, path: ['prod', 'no role'] },
    { host: 2, path: ['no env', 'no role'] },
  ])
  expect(entriesOf(hosts, []).map(({ path }) => path)).toEqual([[], [], []])
})

test('two groups at most', () => {
  expect(readGroups('a,b,c')).toEqual(['a', 'b'])
  expect(readGroups(undefined)).toEqual([])
  expect(toggleGroup(['a', 'b'], 'c')).toEqual(['a', 'c'])
  expect(toggleGroup(['a', 'b'], 'a')).toEqual(['b'])
})

test('a scalar answer becomes one value per host, found under any name', () => {
  const values = readScalar({
    data: {
      attributes: {
        columns: [
          { name: 'host', type: 'group', values: [['web-1'], ['web-2'], ['web-3']] },
          { name: 'a', type: 'number', values: [1.5, null, 3], meta: { unit: null } },
        ],
      },
    },
  })
  expect([...values.byHost]).toEqual([
    ['web-1', 1.5],
    ['web-3', 3],
  ])
  expect(valueOf(host('WEB-1', []), values)).toBe(1.5)
  expect(valueOf(host('other', [], ['web-3']), values)).toBe(3)
  expect(valueOf(host('web-2', []), values)).toBeUndefined()
})
