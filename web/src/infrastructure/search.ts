// What the addresses of the infrastructure pages hold.

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

export interface ListSearch {
  /** The filter. */
  q?: string
  sort?: string
  /** `up`, `down`, `muted`, comma between. */
  status?: string
  /** The host whose panel is open. */
  host?: string
}

export function readListSearch(search: Record<string, unknown>): ListSearch {
  return { q: text(search.q), sort: text(search.sort), status: text(search.status), host: text(search.host) }
}

export interface MapSearch {
  q?: string
  /** Id of a preset or an aggregated metric: `cpu`, `max:system.disk.in_use`. */
  fill?: string
  size?: string
  /** Up to two tag keys, comma between. */
  group?: string
  min?: string
  max?: string
  host?: string
}

export function readMapSearch(search: Record<string, unknown>): MapSearch {
  return {
    q: text(search.q),
    fill: text(search.fill),
    size: text(search.size),
    group: text(search.group),
    min: text(search.min),
    max: text(search.max),
    host: text(search.host),
  }
}
