// The shapes of what the integrations pages ask for.
import type { CheckInstance, LogSource } from '@/checks'

export type Kind = 'check' | 'logs' | 'dogstatsd' | 'guide'

/** One integration over all hosts. */
export interface Integration {
  name: string
  title: string
  summary: string
  category: string
  kind: Kind
  /** Stands in the server's catalogue. */
  known: boolean
  /** Agents run it without being told to. */
  default: boolean
  hosts: number
  /** Of those, hosts whose report is old; their instances are not counted below. */
  stale_hosts: number
  ok: number
  warning: number
  error: number
  pending: number
  /** The most frequent first. */
  versions: string[]
  /** Names of its own that came in within a day. */
  metrics: number
  /** Unix seconds. */
  last_run: number | null
  reported_at: number | null
}

export interface ExampleFile {
  /** Within the agent's folder. */
  path: string
  language: string
  /** `{server}` stands for the address of the server. */
  lines: string[]
}

export interface Step {
  title: string
  text: string
  commands: string[]
}

export interface ServiceCheckCounts {
  check: string
  ok: number
  warning: number
  critical: number
  unknown: number
}

export interface IntegrationMetric {
  name: string
  type: string
  unit: string
  description: string
  series: number
  hosts: number
  last_seen: number
}

export interface IntegrationDetail extends Integration {
  instances: (CheckInstance & { agent_version: string | null })[]
  logs: LogSource[]
  service_checks: ServiceCheckCounts[]
  metric_list: IntegrationMetric[]
  metric_prefixes?: string[]
  files?: ExampleFile[]
  steps?: Step[]
  notes?: string[]
}
