// One number per host for the map, from a scalar query.
import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { api } from '@/api/client'
import type { UnitPair } from '@/api/types'
import type { TimeWindow } from '@/time'
import type { HostRow } from '../types'
import type { Fill } from './fill'

interface GroupColumn {
  name: string
  type: 'group'
  values: string[][]
}

interface NumberColumn {
  name: string
  type: 'number'
  values: (number | null)[]
  meta?: { unit?: UnitPair }
}

export interface ScalarAnswer {
  data: { attributes: { columns: (GroupColumn | NumberColumn)[] } }
}

export interface HostValues {
  /** By host in lower case, as groups of a query are. */
  byHost: ReadonlyMap<string, number>
  unit: UnitPair
}

export function readScalar(answer: ScalarAnswer): HostValues {
  const { columns } = answer.data.attributes
  const groups = columns.find((column): column is GroupColumn => column.type === 'group')
  const numbers = columns.find((column): column is NumberColumn => column.type === 'number')
  const byHost = new Map<string, number>()
  numbers?.values.forEach((value, index) => {
    const host = groups?.values[index]?.[0]
    // Groups come as values; as whole tags from some.
    if (host !== undefined && value !== null) byHost.set(host.replace(/^host:/, '').toLowerCase(), value)
  })
  return { byHost, unit: numbers?.meta?.unit ?? null }
}

export const hostValuesQuery = (fill: Fill, { from, to }: TimeWindow) => {
  const attributes = {
    from,
    to,
    queries: [{ name: 'a', data_source: 'metrics', query: fill.query, aggregator: 'avg' }],
    formulas: [{ formula: fill.formula }],
  }
  return queryOptions({
    queryKey: ['scalar', attributes],
    queryFn: async ({ signal }) => {
      const body = { data: { type: 'scalar_request', attributes } }
      return readScalar(await api.post<ScalarAnswer>('/api/v2/query/scalar', body, { signal }))
    },
    placeholderData: keepPreviousData,
    gcTime: 60_000,
  })
}

/** The value of a host under any of its names. */
export function valueOf(host: HostRow, values: HostValues | undefined): number | undefined {
  if (!values) return undefined
  for (const name of [host.name, ...host.aliases]) {
    const value = values.byHost.get(name.toLowerCase())
    if (value !== undefined) return value
  }
  return undefined
}
