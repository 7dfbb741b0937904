// What the metrics summary asks the server.
import { queryOptions } from '@tanstack/react-query'
import { api } from '@/api/client'

const OWN = '/api/galgo/v1'
const PAGE_SIZE = 1000
/** Beyond this many metrics the list says that it is cut; the search still reaches all of them. */
export const MAX_METRICS = 20_000
const STALE_MS = 20_000

export interface MetricRow {
  name: string
  type: string
  unit: string | null
  per_unit: string | null
  description: string | null
  /** Seconds between points, as sent. */
  interval: number | null
  series: number
  hosts: number
  /** Unix seconds. */
  last_seen: number
}

export interface MetricDetail extends MetricRow {
  tags: { key: string; values: number; top: string[] }[]
  senders: { host: string; agent_version: string | null; series: number; last_seen?: number }[]
  /** Series that one metric may have. */
  limit: number
}

export interface MetricMetadata {
  type: string | null
  unit: string | null
  per_unit: string | null
  description: string | null
  short_name: string | null
  statsd_interval?: number | null
  integration?: string | null
}

interface MetricPage {
  metrics: MetricRow[]
  total: number
  cursor: string | null
}

export interface MetricList {
  metrics: MetricRow[]
  total: number
}

export interface MetricListRequest {
  /** Seconds to look back. */
  window: number
  /** A scope: `env:prod,role:web`. */
  tag: string
}

async function allMetrics(request: MetricListRequest, signal: AbortSignal): Promise<MetricList> {
  const metrics: MetricRow[] = []
  let cursor: string | null = null
  let total = 0
  do {
    const params = { limit: PAGE_SIZE, window: request.window, tag: request.tag || undefined, cursor }
    const page: MetricPage = await api.get<MetricPage>(`${OWN}/metrics`, { params, signal })
    metrics.push(...page.metrics)
    cursor = page.cursor
    total = page.total
  } while (cursor !== null && metrics.length < MAX_METRICS)
  return { metrics, total }
}

export const metricListQuery = (request: MetricListRequest) =>
  queryOptions({
    queryKey: ['metrics-summary', 'list', request],
    queryFn: ({ signal }) => allMetrics(request, signal),
    staleTime: STALE_MS,
    refetchInterval: 60_000,
  })

export const metricDetailQuery = (name: string) =>
  queryOptions({
    queryKey: ['metrics-summary', 'detail', name],
    queryFn: ({ signal }) => api.get<MetricDetail>(`${OWN}/metrics/${encodeURIComponent(name)}`, { signal }),
    staleTime: STALE_MS,
  })

export const metricMetadataQuery = (name: string) =>
  queryOptions({
    queryKey: ['metrics-summary', 'metadata', name],
    queryFn: ({ signal }) =>
      api.get<MetricMetadata>(`/api/v1/metrics/${encodeURIComponent(name)}`, { signal }),
    staleTime: STALE_MS,
  })

export const saveMetadata = (name: string, change: Partial<MetricMetadata>) =>
  api.put<MetricMetadata>(`/api/v1/metrics/${encodeURIComponent(name)}`, change)
