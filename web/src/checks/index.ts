// What agents run: shapes, words and lists that the host pages and the integrations share.
export { InstanceList } from './instance-list'
export { LogSources } from './log-sources'
export { hostRunsQuery, REFRESH_MS } from './queries'
export { byUrgency, durationText, lookOf, messageOf } from './state'
export type { CheckInstance, HostRuns, LogSource, RunStatus } from './types'
