// What the infrastructure pages ask the server.
import { queryOptions, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { api } from '@/api/client'
import type { Host, HostDetail, HostFacts, HostPage, HostRow } from './types'

/** The server's own limit of one answer. */
const PAGE_SIZE = 1000
/** Beyond this the list says that it is cut. */
export const MAX_HOSTS = 10_000
const REFRESH_MS = 20_000
/** Metadata is long and changes with upgrades only. */
const FACTS_STALE_MS = 5 * 60_000

async function allPages(extra: Record<string, boolean>, signal: AbortSignal) {
  const hosts: HostPage['host_list'] = []
  let total = 0
  do {
    const params = { start: hosts.length, count: PAGE_SIZE, sort_field: 'name', ...extra }
    const page = await api.get<HostPage>('/api/v1/hosts', { params, signal })
    hosts.push(...page.host_list)
    total = page.total_matching
    if (page.host_list.length === 0) break
  } while (hosts.length < Math.min(total, MAX_HOSTS))
  return { hosts, total }
}

export interface HostList {
  hosts: Host[]
  total: number
}

export const hostListQuery = queryOptions({
  queryKey: ['infrastructure', 'hosts'],
  queryFn: ({ signal }): Promise<HostList> => allPages({ include_muted_hosts_data: true }, signal),
  staleTime: REFRESH_MS / 2,
  refetchInterval: REFRESH_MS,
})

const words = (value: unknown): string => (typeof value === 'string' ? value : '')

export function factsOf(meta: Record<string, unknown> | undefined): HostFacts {
  const cores = meta?.cpuCores
  return {
    platform: words(meta?.platform) || words(meta?.machine),
    agent_version: words(meta?.agent_version),
    cores: typeof cores === 'number' ? cores : undefined,
  }
}

export const hostFactsQuery = queryOptions({
  queryKey: ['infrastructure', 'facts'],
  queryFn: async ({ signal }) => {
    const { hosts } = await allPages({ include_hosts_metadata: true }, signal)
    return new Map(hosts.map((host) => [host.name, factsOf(host.meta)]))
  },
  staleTime: FACTS_STALE_MS,
})

export function tagsOf(bySource: Record<string, string[]>): string[] {
  return [...new Set(Object.values(bySource).flat())].sort()
}

const NO_HOSTS: readonly Host[] = []

/** Every active host with its facts, as far as they are known yet. */
export function useHosts() {
  const list = useQuery(hostListQuery)
  const facts = useQuery(hostFactsQuery).data
  const hosts = list.data?.hosts ?? NO_HOSTS
  const rows = useMemo(
    () =>
      hosts.map((host): HostRow => ({
        ...host,
        facts: facts?.get(host.name),
        tags: tagsOf(host.tags_by_source),
      })),
    [hosts, facts],
  )
  return {
    rows,
    total: list.data?.total ?? 0,
    error: list.error,
    loading: list.isPending,
    refetch: list.refetch,
  }
}

export const hostDetailQuery = (name: string) =>
  queryOptions({
    queryKey: ['infrastructure', 'host', name],
    queryFn: ({ signal }) =>
      api.get<HostDetail>(`/api/galgo/v1/hosts/${encodeURIComponent(name)}`, { signal }),
    refetchInterval: REFRESH_MS,
  })

export interface MuteSettings {
  /** Unix seconds; until unmuted when absent. */
  end?: number
  message?: string
}

export const muteHost = (name: string, settings: MuteSettings) =>
  api.post(`/api/v1/host/${encodeURIComponent(name)}/mute`, { ...settings, override: true })

export const unmuteHost = (name: string) => api.post(`/api/v1/host/${encodeURIComponent(name)}/unmute`)

/** The source of tags that people set. */
export const USER_SOURCE = 'users'

export const setUserTags = (name: string, tags: readonly string[]) => {
  const path = `/api/v1/tags/hosts/${encodeURIComponent(name)}`
  const params = { source: USER_SOURCE }
  return tags.length > 0 ? api.put(path, { tags }, { params }) : api.delete(path, { params })
}
