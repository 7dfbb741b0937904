// The shapes of what the infrastructure pages ask for.

export interface Host {
  name: string
  host_name: string
  id: number
  aliases: string[]
  apps: string[]
  sources?: string[]
  up: boolean
  is_muted: boolean
  /** Unix seconds; null while muted without an end. */
  mute_timeout: number | null
  /** Unix seconds. */
  last_reported_time: number
  tags_by_source: Record<string, string[]>
  /** Per cent, per cent, load per core. */
  metrics: { cpu?: number; iowait?: number; load?: number }
}

/** What the list shows of a host's metadata. */
export interface HostFacts {
  platform: string
  agent_version: string
  cores: number | undefined
}

/** One row of the list: the host and what was asked for separately. */
export interface HostRow extends Host {
  facts: HostFacts | undefined
  /** All tags of all sources, sorted. */
  tags: string[]
}

export interface HostPage {
  host_list: (Host & { meta?: Record<string, unknown> })[]
  total_matching: number
  total_returned: number
}

export interface HostCheck {
  check: string
  /** 0 ok, 1 warning, 2 critical, 3 unknown. */
  status: number
  message: string | null
  /** Unix seconds. */
  time: number
  since?: number
  tags: string[]
}

export interface HostDetail {
  name: string
  aliases: string[]
  up: boolean
  first_seen?: number
  last_seen: number
  agent_version: string | null
  agent_flavor?: string | null
  platform?: string | null
  tags_by_source: Record<string, string[]>
  meta: Record<string, unknown>
  gohai: Record<string, unknown>
  inventory?: Record<string, unknown> | null
  checks: HostCheck[]
  apps: string[]
  muted: boolean
  mute_end: number | null
  mute_message?: string | null
}
