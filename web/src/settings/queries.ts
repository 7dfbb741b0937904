// What the settings pages ask the server.
import { queryOptions } from '@tanstack/react-query'
import { api } from '@/api/client'

const OWN = '/api/galgo/v1'

export type KeyKind = 'api-keys' | 'application-keys'

export interface Key {
  id: string
  name: string
  last4: string
  owner: string | null
  /** Unix seconds. */
  created_at: number
  /** Set by the server's configuration, and there again after a restart. */
  from_configuration: boolean
}

export interface NewKey extends Key {
  /** Shown once. */
  key: string
}

export const keysQuery = (kind: KeyKind) =>
  queryOptions({
    queryKey: ['settings', kind],
    queryFn: async ({ signal }) => (await api.get<{ keys: Key[] }>(`${OWN}/${kind}`, { signal })).keys,
  })

export const createKey = (kind: KeyKind, name: string) => api.post<NewKey>(`${OWN}/${kind}`, { name })
export const revokeKey = (kind: KeyKind, id: string) => api.delete(`${OWN}/${kind}/${encodeURIComponent(id)}`)

export interface NotKeptPath {
  method: string | null
  path: string
  what: string | null
  why: string | null
  requests: number
  bytes: number
  /** Unix seconds. */
  first_seen: number
  last_seen: number
  senders: string[]
}

export interface Dropped {
  reason: string
  count: number
  example: string | null
  last_seen: number
}

export interface NotKept {
  paths: NotKeptPath[]
  dropped: Dropped[]
}

export const notKeptQuery = queryOptions({
  queryKey: ['settings', 'not-kept'],
  queryFn: ({ signal }) => api.get<NotKept>(`${OWN}/not-kept`, { signal }),
  refetchInterval: 20_000,
})
