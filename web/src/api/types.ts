// The shapes of the calls that the page makes; docs/decisions/0002-page-api.md says what each means.

export interface Session {
  user: { handle: string; name: string; email: string; role: string }
  org: { name: string }
  version: string
  /** Unix seconds. */
  server_time: number
}

/** A unit as Datadog's API shows it. */
export interface Unit {
  id: number
  family: string
  name: string
  plural: string
  short_name: string
  scale_factor: number
}

/** `[unit, per unit]`, either may be missing: `[byte, second]`. */
export type UnitPair = [Unit | null, Unit | null] | null

export interface FunctionArg {
  name: string
  /** `query`, `number`, `text`, `choice`, `keys`, `query-or-keys`, `any`. */
  kind: string
  required: boolean
  choices?: (string | number)[]
}

export interface QueryFunction {
  name: string
  aliases: string[]
  family: string
  form: 'call' | 'method'
  /** The query itself is the first. */
  args: FunctionArg[]
  summary: string
  /** `top(query, count, [by], [order])`. */
  usage: string
}

export interface MetricHit {
  name: string
  type: string | null
  unit: string | null
}

export interface TagKey {
  key: string
  values: number
}

export interface ServerStatus {
  /** Seconds. */
  uptime: number
  version: string
  series: number
  points: number
  wal_bytes: number
  segments: number
  disk_bytes: number
  ingest: { points_per_second: number }
  checks: { check: string; status: number; message?: string }[]
}

export interface TimeseriesQuery {
  name: string
  data_source: 'metrics'
  query: string
}

export interface TimeseriesFormula {
  formula: string
  limit?: { count: number; order: 'asc' | 'desc' }
}

export interface TimeseriesRequest {
  data: {
    type: 'timeseries_request'
    attributes: {
      /** Unix ms. */
      from: number
      to: number
      /** Bucket size in ms. */
      interval?: number
      queries: TimeseriesQuery[]
      formulas?: TimeseriesFormula[]
    }
  }
}

export interface TimeseriesAnswer {
  data: {
    id: string
    type: 'timeseries_response'
    attributes: {
      series: { group_tags: string[]; query_index: number; unit: UnitPair }[]
      /** Unix ms. */
      times: number[]
      values: (number | null)[][]
    }
  }
}

export interface HostEntry {
  name: string
  host_name: string
  id: number
  aliases: string[]
  apps: string[]
  up: boolean
  is_muted: boolean
  /** Unix seconds. */
  last_reported_time: number
  tags_by_source: Record<string, string[]>
  metrics: { cpu?: number; iowait?: number; load?: number }
  meta: Record<string, unknown>
}

export interface HostList {
  host_list: HostEntry[]
  total_matching: number
  total_returned: number
}
