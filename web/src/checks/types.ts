// What agents say of the checks that they run and of the logs that they read.

export type RunStatus = 'OK' | 'WARNING' | 'ERROR' | 'PENDING'

export interface LastRun {
  duration_ms: number
  metric_samples: number
  service_checks: number
  events: number
  logs: number
}

/** One instance of a check on one host. Agents of Datadog say less: what is unknown is zero, empty or null. */
export interface CheckInstance {
  host: string
  check: string
  /** Its identity on the host: `mysql:5c571333f87ad9dd`. */
  instance: string
  status: RunStatus
  version: string
  /** Unix seconds. */
  last_run: number | null
  reported_at: number
  /** The report is so old that it says little of now. */
  stale: boolean
  /** File and number of the instance. */
  source: string | null
  loader: string
  interval_s: number
  runs: number
  failed_runs: number
  total_ms: number
  metric_samples: number
  last: LastRun | null
  last_ok: number | null
  error: string
  traceback: string
  warnings: string[]
  metadata: Record<string, string>
  configuration: { provider: string; init_config: string; instance: string } | null
}

/** Something that an agent reads log lines from; counters only from Galgo's own agent. */
export interface LogSource {
  host: string
  /** `file`, `tcp`, `udp`, `journald`. */
  type: string
  state: string
  reported_at: number
  stale: boolean
  path?: string
  port?: number
  source?: string
  service?: string
  /** The last error, also one that is over. */
  last_error?: string | null
  warnings?: string[]
  /** Open files. */
  files?: number
  bytes?: number
  lines?: number
  /** Lines that rules dropped. */
  dropped?: number
  /** Lines that a server has acknowledged. */
  sent?: number
  /** Lines that a server has refused for good. */
  refused?: number
  [other: string]: unknown
}

/** The agent of a host, its checks and its log sources. */
export interface HostRuns {
  agent: {
    version: string
    flavor: string
    python: string | null
    /** Unix seconds. */
    checks_at: number | null
    checks_stale: boolean
    logs_at: number | null
    logs_stale: boolean
  }
  checks: CheckInstance[]
  logs: LogSource[]
}
