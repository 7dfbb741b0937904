// What only the home page asks.
import { queryOptions } from '@tanstack/react-query'
import { api } from '@/api/client'

const REFRESH_MS = 20_000

export const hostTotalsQuery = queryOptions({
  queryKey: ['hosts', 'totals'],
  queryFn: ({ signal }) =>
    api.get<{ total_active: number; total_up: number }>('/api/v1/hosts/totals', { signal }),
  refetchInterval: REFRESH_MS,
})

export const metricTotalQuery = queryOptions({
  queryKey: ['metrics', 'total'],
  queryFn: async ({ signal }) => {
    const answer = await api.get<{ total: number }>('/api/galgo/v1/metrics', { params: { limit: 1 }, signal })
    return answer.total
  },
  refetchInterval: REFRESH_MS,
})
