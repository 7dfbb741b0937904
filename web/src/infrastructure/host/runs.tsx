// What the agent of a host runs and reads: its checks, its log sources, the agent itself.
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { hostRunsQuery, InstanceList, LogSources } from '@/checks'
import type { HostRuns } from '@/checks'
import { ErrorNote, Status } from '@/ui'
import { Ago } from '@/ui/ago'
import text from '@/ui/text.module.css'
import css from './host.module.css'

export function HostRunsSections({ name }: { name: string }) {
  const { data, error, refetch } = useQuery(hostRunsQuery(name))
  return (
    <>
      <section className={css.section}>
        <h3>Checks of the agent</h3>
        {error && !data && <ErrorNote error={error} onRetry={() => void refetch()} />}
        {data && <Checks runs={data} />}
      </section>
      {data && data.logs.length > 0 && (
        <section className={css.section}>
          <h3>Log sources</h3>
          <LogSources sources={data.logs} />
        </section>
      )}
    </>
  )
}

function Checks({ runs: { checks, agent } }: { runs: HostRuns }) {
  if (checks.length === 0) {
    return (
      <p className={text.quiet}>
        {agent.version === ''
          ? 'No agent reports from this host, so nothing is known of its checks. '
          : 'Its agent has not reported any check yet; it does so a minute or two after its start. '}
        <Link to="/integrations/add-host">Add a host</Link>
      </p>
    )
  }
  return (
    <>
      {agent.checks_stale && (
        <p className={text.quiet}>
          As of <Ago at={agent.checks_at} />: the agent has reported none since.
        </p>
      )}
      <InstanceList instances={checks} by="check" />
    </>
  )
}

const FLAVORS: Record<string, string> = {
  galgo: 'Galgo agent',
  agent: 'Datadog agent',
  iot_agent: 'IoT agent',
}

/** What reports from a host. */
export function HostAgent({ name }: { name: string }) {
  const agent = useQuery(hostRunsQuery(name)).data?.agent
  if (!agent) return null
  const facts: [string, ReactNode][] = [
    ['Kind', FLAVORS[agent.flavor] ?? agent.flavor],
    ['Version', agent.version],
    ['Python', agent.python],
    [
      'Checks reported',
      agent.checks_at !== null && <Report at={agent.checks_at} stale={agent.checks_stale} />,
    ],
    [
      'Log sources reported',
      agent.logs_at !== null && <Report at={agent.logs_at} stale={agent.logs_stale} />,
    ],
  ]
  const known = facts.filter(([, value]) => value)
  if (known.length === 0) return null
  return (
    <section className={css.section}>
      <h3>Agent</h3>
      <dl className={css.facts}>
        {known.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function Report({ at, stale }: { at: number; stale: boolean }) {
  if (!stale) return <Ago at={at} />
  return (
    <Status state="warn">
      <Ago at={at} />
    </Status>
  )
}
