import { queryOptions } from '@tanstack/react-query'
import { api } from '@/api/client'
import type { HostRuns } from './types'

export const REFRESH_MS = 20_000

/** The agent of a host, its checks and its log sources. */
export const hostRunsQuery = (name: string) =>
  queryOptions({
    queryKey: ['checks', 'host', name],
    queryFn: ({ signal }) =>
      api.get<HostRuns>(`/api/galgo/v1/hosts/${encodeURIComponent(name)}/checks`, { signal }),
    refetchInterval: REFRESH_MS,
  })
