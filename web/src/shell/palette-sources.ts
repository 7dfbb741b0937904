// Where the palette looks. A feature adds one source here: what it is called and how to search it.
import type { QueryClient } from '@tanstack/react-query'
import { metricNamesQuery } from '@/api/queries'
import { hostListQuery } from '@/infrastructure'
import { integrationsQuery } from '@/integrations'
import { NAV } from './nav'

export interface PaletteItem {
  id: string
  label: string
  hint?: string
  /** An address of the page, or something to do. */
  to?: string
  run?: () => void
}

export interface PaletteSource {
  group: string
  /** Items for the words typed, best first. Synchronous sources answer at once. */
  search: (words: string, client: QueryClient) => PaletteItem[] | Promise<PaletteItem[]>
}

const PER_SOURCE = 8

const pages: PaletteItem[] = NAV.flatMap((item) =>
  item.children
    ? item.children.map((child) => ({ id: child.to, to: child.to, label: `${item.label}: ${child.label}` }))
    : [{ id: item.to, to: item.to, label: item.label, hint: item.key && `G ${item.key.toUpperCase()}` }],
)

/** Every word of the search stands somewhere in the text. */
export function matches(text: string, words: string): boolean {
  const low = text.toLowerCase()
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => low.includes(word))
}

const metrics: PaletteSource = {
  group: 'Metrics',
  search: async (words, client) => {
    if (words.trim() === '') return []
    const found = await client.fetchQuery(metricNamesQuery(words.trim(), PER_SOURCE))
    return found.map((metric) => ({
      id: `metric ${metric.name}`,
      label: metric.name,
      hint: metric.type ?? undefined,
      to: `/metrics/explorer?q=${encodeURIComponent(`avg:${metric.name}{*}`)}`,
    }))
  },
}

const hosts: PaletteSource = {
  group: 'Hosts',
  search: async (words, client) => {
    if (words.trim() === '') return []
    const { hosts: all } = await client.ensureQueryData(hostListQuery)
    const found = all.filter(({ name, aliases }) => [name, ...aliases].some((text) => matches(text, words)))
    return found.slice(0, PER_SOURCE).map(({ name, up }) => ({
      id: `host ${name}`,
      label: name,
      hint: up ? undefined : 'down',
      to: `/infrastructure/host/${encodeURIComponent(name)}`,
    }))
  },
}

const integrations: PaletteSource = {
  group: 'Integrations',
  search: async (words, client) => {
    if (words.trim() === '') return []
    const all = await client.ensureQueryData(integrationsQuery)
    const found = all.filter(({ name, title }) => matches(`${title} ${name}`, words))
    return found.slice(0, PER_SOURCE).map(({ name, title, hosts, error }) => ({
      id: `integration ${name}`,
      label: title,
      hint: error > 0 ? 'with errors' : hosts > 0 ? 'running' : undefined,
      to: `/integrations?integration=${encodeURIComponent(name)}`,
    }))
  },
}

export const PALETTE_SOURCES: readonly PaletteSource[] = [
  { group: 'Pages', search: (words) => pages.filter((page) => matches(page.label, words)) },
  metrics,
  hosts,
  integrations,
]
