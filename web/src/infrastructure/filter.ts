// The filter of hosts, as Datadog's list reads it and as the server's own `filter` does: terms separated by blanks or
// commas, all of which must hold. A term with a colon is a tag (`env:prod`, `host:web-*`), any other is looked for
// within name, aliases, apps and tags. `-term` or `!term` must not hold. Only here, for the sake of facets, several
// values of one key are alternatives: `env:prod env:staging`.
import { groupBy } from '@/ui/group-by'
import type { FacetValue } from '@/ui/facets'
import type { HostRow } from './types'

export interface Term {
  text: string
  negated: boolean
}

export function readTerms(filter: string): Term[] {
  return filter
    .toLowerCase()
    .split(/[\s,]+/)
    .map((term) =>
      /^[-!]./.test(term) ? { text: term.slice(1), negated: true } : { text: term, negated: false },
    )
    .filter(({ text }) => text !== '' && text !== '-' && text !== '!' && text !== '*')
}

function wildcard(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`)
}

function tagTest(text: string): (host: HostRow) => boolean {
  const [key = '', value = ''] = [text.slice(0, text.indexOf(':')), text.slice(text.indexOf(':') + 1)]
  // While the value is still being typed every host with the key is meant.
  const wanted = wildcard(value === '' ? `${key}:*` : text)
  const named = key === 'host' ? wildcard(value === '' ? '*' : value) : undefined
  return (host) =>
    host.tags.some((tag) => wanted.test(tag.toLowerCase())) ||
    (named !== undefined && [host.name, ...host.aliases].some((name) => named.test(name.toLowerCase())))
}

function textTest(text: string): (host: HostRow) => boolean {
  return (host) =>
    [host.name, ...host.aliases, ...host.apps, ...host.tags].some((word) => word.toLowerCase().includes(text))
}

/** One function for a whole filter, so that patterns are read once. */
export function hostTest(filter: string): (host: HostRow) => boolean {
  const terms = readTerms(filter)
  const testOf = ({ text }: Term) => (text.includes(':') ? tagTest(text) : textTest(text))
  const forbidden = terms.filter(({ negated }) => negated).map(testOf)
  const wanted = terms.filter(({ negated }) => !negated)
  const groups = groupBy(wanted, ({ text }) =>
    text.includes(':') ? text.slice(0, text.indexOf(':') + 1) : text,
  )
  const required = [...groups.values()].map((group) => group.map(testOf))
  return (host) =>
    required.every((tests) => tests.some((test) => test(host))) && !forbidden.some((test) => test(host))
}

/** `up`, `down` or `muted`, whichever matters most. */
export type HostState = 'up' | 'down' | 'muted'

export const stateOf = (host: Pick<HostRow, 'up' | 'is_muted'>): HostState =>
  host.is_muted ? 'muted' : host.up ? 'up' : 'down'

/** Keys with more values than this tell hosts apart one by one: no facet. */
const MAX_FACET_VALUES = 200

export interface TagFacet {
  key: string
  values: FacetValue[]
}

/** Tag keys of these hosts, those that most hosts share first. */
export function tagFacets(hosts: readonly HostRow[]): TagFacet[] {
  const byKey = new Map<string, Map<string, number>>()
  for (const host of hosts) {
    for (const tag of host.tags) {
      const at = tag.indexOf(':')
      if (at <= 0) continue
      const key = tag.slice(0, at)
      const values = byKey.get(key) ?? new Map<string, number>()
      byKey.set(key, values)
      values.set(tag.slice(at + 1), (values.get(tag.slice(at + 1)) ?? 0) + 1)
    }
  }
  const facets = [...byKey]
    .filter(([key, values]) => key !== 'host' && values.size <= MAX_FACET_VALUES)
    .map(([key, counts]) => {
      const values = [...counts].map(([value, count]) => ({ value, count }))
      values.sort((left, right) => right.count - left.count || left.value.localeCompare(right.value))
      return { key, values, total: values.reduce((sum, { count }) => sum + count, 0) }
    })
  facets.sort((left, right) => right.total - left.total || left.key.localeCompare(right.key))
  return facets.map(({ key, values }) => ({ key, values }))
}

/** Keys that people look for first. */
const TELLING = ['env', 'service', 'role', 'team', 'version']

/** Tags of a host for a place with little room: the telling ones first, its name left out. */
export function tellingTags(tags: readonly string[]): string[] {
  const rank = (tag: string) => {
    const at = TELLING.indexOf(tag.slice(0, tag.indexOf(':')))
    return at < 0 ? TELLING.length : at
  }
  return tags
    .filter((tag) => !tag.startsWith('host:'))
    .sort((left, right) => rank(left) - rank(right) || left.localeCompare(right))
}

/** Adds the term to the filter text or takes it out. */
export function toggleTerm(filter: string, term: string): string {
  const terms = filter.split(/[\s,]+/).filter(Boolean)
  const without = terms.filter((other) => other.toLowerCase() !== term.toLowerCase())
  return (without.length < terms.length ? without : [...terms, term]).join(' ')
}

/** Values of a key that the filter names. */
export function chosenValues(filter: string, key: string): Set<string> {
  const prefix = `${key.toLowerCase()}:`
  const terms = readTerms(filter).filter(({ text, negated }) => !negated && text.startsWith(prefix))
  return new Set(terms.map(({ text }) => text.slice(prefix.length)))
}
