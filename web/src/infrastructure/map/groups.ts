// Which groups a host lies in: the values of up to two tags.
import type { HostRow } from '../types'
import type { Entry } from './layout'

export const MAX_GROUPS = 2

export function readGroups(text: string | undefined): string[] {
  return [...new Set(text?.split(',').filter(Boolean))].slice(0, MAX_GROUPS)
}

/** Adds a key or takes it out; a third replaces the second. */
export function toggleGroup(groups: readonly string[], key: string): string[] {
  if (groups.includes(key)) return groups.filter((other) => other !== key)
  return [...groups.slice(0, MAX_GROUPS - 1), key]
}

function valuesOf(host: HostRow, key: string): string[] {
  const prefix = `${key}:`
  const values = host.tags.filter((tag) => tag.startsWith(prefix)).map((tag) => tag.slice(prefix.length))
  return values.length > 0 ? values : [`no ${key}`]
}

/** A host with several values of a tag lies in each of those groups. */
export function entriesOf(hosts: readonly HostRow[], groups: readonly string[]): Entry[] {
  return hosts.flatMap((host, index) => {
    const paths = groups.reduce<string[][]>(
      (before, key) => before.flatMap((path) => valuesOf(host, key).map((value) => [...path, value])),
      [[]],
    )
    return paths.map((path) => ({ host: index, path }))
  })
}
