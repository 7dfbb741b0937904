// What the integrations pages ask the server.
import { queryOptions } from '@tanstack/react-query'
import { api } from '@/api/client'
import type { Integration, IntegrationDetail } from './types'

const OWN = '/api/galgo/v1/integrations'
const REFRESH_MS = 20_000

export const integrationsQuery = queryOptions({
  queryKey: ['integrations', 'list'],
  queryFn: async ({ signal }) =>
    (await api.get<{ integrations: Integration[] }>(OWN, { signal })).integrations,
  staleTime: REFRESH_MS / 2,
  refetchInterval: REFRESH_MS,
})

export const integrationQuery = (name: string) =>
  queryOptions({
    queryKey: ['integrations', 'one', name],
    queryFn: ({ signal }) => api.get<IntegrationDetail>(`${OWN}/${encodeURIComponent(name)}`, { signal }),
    refetchInterval: REFRESH_MS,
  })
