// Query options that more than one feature uses; a feature's own live in its folder.
import { queryOptions } from '@tanstack/react-query'
import { api } from './client'
import type { HostList, MetricHit, QueryFunction, ServerStatus, Session, TagKey } from './types'

const OWN = '/api/galgo/v1'
/** Lists for completion change slowly. */
const COMPLETION_STALE_MS = 30_000

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: ({ signal }) => api.get<Session>(`${OWN}/session`, { signal }),
  staleTime: 5 * 60_000,
  retry: false,
})

export const functionsQuery = queryOptions({
  queryKey: ['functions'],
  queryFn: ({ signal }) => api.get<QueryFunction[]>(`${OWN}/functions`, { signal }),
  staleTime: Infinity,
})

export const statusQuery = queryOptions({
  queryKey: ['status'],
  queryFn: ({ signal }) => api.get<ServerStatus>(`${OWN}/status`, { signal }),
  refetchInterval: 10_000,
})

export const metricNamesQuery = (q: string, limit = 50) =>
  queryOptions({
    queryKey: ['complete', 'metrics', q, limit],
    queryFn: async ({ signal }) => {
      const answer = await api.get<{ metrics: MetricHit[] }>(`${OWN}/complete/metrics`, {
        params: { q, limit },
        signal,
      })
      return answer.metrics
    },
    staleTime: COMPLETION_STALE_MS,
  })

export const tagKeysQuery = (metric: string) =>
  queryOptions({
    queryKey: ['complete', 'tag-keys', metric],
    queryFn: async ({ signal }) => {
      const answer = await api.get<{ keys: TagKey[] }>(`${OWN}/complete/tag-keys`, {
        params: { metric },
        signal,
      })
      return answer.keys
    },
    staleTime: COMPLETION_STALE_MS,
  })

export const tagValuesQuery = (metric: string, key: string, q: string, limit = 50) =>
  queryOptions({
    queryKey: ['complete', 'tag-values', metric, key, q, limit],
    queryFn: async ({ signal }) => {
      const params = { metric, key, q, limit }
      const answer = await api.get<{ values: string[] }>(`${OWN}/complete/tag-values`, { params, signal })
      return answer.values
    },
    staleTime: COMPLETION_STALE_MS,
  })

export const hostsQuery = (filter: string, count: number) =>
  queryOptions({
    queryKey: ['hosts', filter, count],
    queryFn: ({ signal }) => api.get<HostList>('/api/v1/hosts', { params: { filter, count }, signal }),
    staleTime: 10_000,
  })
