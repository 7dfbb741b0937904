// What is there and how it is doing: figures, the graphs of one host or all, and what to do next.
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect } from 'react'
import { hostsQuery, statusQuery } from '@/api/queries'
import { GraphCard } from '@/graph'
import { Empty, ErrorNote, Select } from '@/ui'
import css from './home.module.css'
import { NextSteps } from './next-steps'
import { metricTotalQuery } from './queries'
import { systemGraphs } from './system-graphs'
import { Tiles } from './tiles'

/** Hosts to choose from; beyond that the infrastructure list is the place to look. */
const MAX_HOSTS = 200
const ALL = '*'

const MINUTE_S = 60

/** A server that has just started for the first time has minutes to show, not an hour: the range fits them. */
function useFirstMinutes(): void {
  const from = useSearch({ from: '/app/', select: (search) => search.from })
  const status = useQuery(statusQuery).data
  const navigate = useNavigate({ from: '/' })
  const fresh = status?.segments === 0 && status.uptime < 15 * MINUTE_S
  const span = fresh && status.uptime > 4 * MINUTE_S ? '15m' : '5m'
  const adjust = fresh && from === undefined
  useEffect(() => {
    const range = { from: `-${span}`, live: 'true' }
    if (adjust) void navigate({ search: (previous) => ({ ...previous, ...range }), replace: true })
  }, [adjust, span, navigate])
}

export function HomePage() {
  useFirstMinutes()
  const metrics = useQuery(metricTotalQuery)
  if (metrics.error && metrics.data === undefined) {
    return (
      <div className={css.page}>
        <ErrorNote error={metrics.error} onRetry={() => void metrics.refetch()} />
      </div>
    )
  }
  return (
    <div className={css.page}>
      <Tiles />
      {metrics.data === 0 ? (
        <Empty title="No metrics have arrived yet">
          <p>The server collects this machine’s own within a minute; anything else arrives the ways below.</p>
        </Empty>
      ) : (
        <System />
      )}
      <NextSteps />
    </div>
  )
}

function System() {
  const host = useSearch({ from: '/app/', select: (search) => search.host ?? '' })
  const navigate = useNavigate({ from: '/' })
  const hosts = useQuery(hostsQuery('', MAX_HOSTS)).data?.host_list ?? []
  const names = [...new Set([...hosts.map(({ name }) => name), ...(host === '' ? [] : [host])])].sort()
  const choices = [{ value: ALL, label: 'All hosts' }, ...names.map((name) => ({ value: name, label: name }))]
  const only = names.length === 1 ? names[0] : undefined
  const choose = (next: string) =>
    void navigate({ search: (previous) => ({ ...previous, host: next === ALL ? undefined : next }) })
  return (
    <section aria-labelledby="system">
      <div className={css.head}>
        <h2 id="system">{only ?? (host === '' ? 'All hosts' : host)}</h2>
        {!only && (
          <Select label="Host" value={host === '' ? ALL : host} choices={choices} onChange={choose} />
        )}
      </div>
      <div className={css.graphs}>
        {systemGraphs(host).map(({ title, parts, style }) => (
          <GraphCard key={title} title={title} parts={parts} style={style} height={180} />
        ))}
      </div>
    </section>
  )
}
