// What the address of the integrations list holds.

export const TABS = ['overview', 'configuration', 'hosts', 'metrics'] as const
export type Tab = (typeof TABS)[number]

export interface IntegrationsSearch {
  /** Words. */
  q?: string
  /** States, comma between. */
  state?: string
  /** Categories, comma between. */
  category?: string
  sort?: string
  /** The integration whose panel is open. */
  integration?: string
  tab?: string
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

export function readSearch(search: Record<string, unknown>): IntegrationsSearch {
  return {
    q: text(search.q),
    state: text(search.state),
    category: text(search.category),
    sort: text(search.sort),
    integration: text(search.integration),
    tab: text(search.tab),
  }
}

export const readTab = (tab: string | undefined): Tab => TABS.find((known) => known === tab) ?? 'overview'
