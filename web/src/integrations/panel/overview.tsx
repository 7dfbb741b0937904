// How an integration does over all hosts: counts, what fails, service checks.
import { useMemo } from 'react'
import { byUrgency, InstanceList } from '@/checks'
import { Button, Empty, Status } from '@/ui'
import { Ago } from '@/ui/ago'
import text from '@/ui/text.module.css'
import type { Tab } from '../search'
import type { IntegrationDetail, ServiceCheckCounts } from '../types'
import css from './panel.module.css'

/** Failing instances that stand in the overview; the rest is a tab away. */
const FEW = 5
const number = new Intl.NumberFormat('en')

interface OverviewProps {
  detail: IntegrationDetail
  onTab: (tab: Tab) => void
}

export function Overview({ detail, onTab }: OverviewProps) {
  return (
    <>
      <p>
        {detail.summary || 'A check that is not in the catalogue: one of your own, or of another author.'}
      </p>
      {detail.hosts > 0 ? <Figures detail={detail} /> : <NotRunning detail={detail} onTab={onTab} />}
      <Trouble detail={detail} onTab={onTab} />
      <ServiceChecks checks={detail.service_checks} />
    </>
  )
}

function Figures({ detail }: { detail: IntegrationDetail }) {
  const figures: [string, React.ReactNode][] = [
    ['Hosts', number.format(detail.hosts)],
    ['OK', number.format(detail.ok)],
    ['Warning', number.format(detail.warning)],
    ['Failing', number.format(detail.error)],
    ...(detail.pending > 0 ? [['Waiting', number.format(detail.pending)] as [string, React.ReactNode]] : []),
    ['Metrics', number.format(detail.metrics)],
    ['Last run', <Ago key="run" at={detail.last_run ?? detail.reported_at} />],
    ...(detail.versions.length > 0
      ? [['Version', detail.versions.join(', ')] as [string, React.ReactNode]]
      : []),
  ]
  return (
    <>
      <dl className={css.figures}>
        {figures.map(([label, value]) => (
          <div key={label} data-alert={label === 'Failing' && detail.error > 0}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {detail.stale_hosts > 0 && (
        <p className={text.quiet}>
          {number.format(detail.stale_hosts)} of {number.format(detail.hosts)} hosts have not reported for
          half an hour or longer; what they said last is not counted.
        </p>
      )}
    </>
  )
}

function Trouble({ detail, onTab }: OverviewProps) {
  const failing = useMemo(
    () =>
      byUrgency(detail.instances).filter(
        ({ status, stale }) => !stale && (status === 'ERROR' || status === 'WARNING'),
      ),
    [detail.instances],
  )
  if (failing.length === 0) return null
  return (
    <section className={css.section}>
      <h3>Needs a look</h3>
      <InstanceList instances={failing.slice(0, FEW)} by="host" />
      {failing.length > FEW && (
        <div>
          <Button small onClick={() => onTab('hosts')}>
            All {number.format(failing.length)}
          </Button>
        </div>
      )}
    </section>
  )
}

const COLUMNS = [
  { key: 'critical', label: 'Critical', state: 'alert' },
  { key: 'warning', label: 'Warning', state: 'warn' },
  { key: 'unknown', label: 'Unknown', state: 'no-data' },
  { key: 'ok', label: 'OK', state: 'ok' },
] as const

function ServiceChecks({ checks }: { checks: readonly ServiceCheckCounts[] }) {
  if (checks.length === 0) return null
  return (
    <section className={css.section}>
      <h3>Service checks</h3>
      <ul className={css.serviceChecks}>
        {checks.map((check) => {
          const counts = COLUMNS.filter(({ key }) => check[key] > 0)
          return (
            <li key={check.check}>
              <span className={text.mono}>{check.check}</span>
              <span className={css.counts}>
                {counts.length === 0 && <span className={text.quiet}>not reported</span>}
                {counts.map(({ key, label, state }) => (
                  <Status key={key} state={state}>
                    {number.format(check[key])} {label}
                  </Status>
                ))}
              </span>
            </li>
          )
        })}
      </ul>
    </section>
  )
}

export function NotRunning({ detail, onTab }: OverviewProps) {
  const { kind, title, default: runs } = detail
  if (kind === 'guide' || kind === 'dogstatsd') {
    return (
      <Empty title={kind === 'guide' ? 'Made by you' : 'Part of every agent'}>
        <p>
          {kind === 'guide'
            ? 'Your checks appear in the list under their own names as soon as an agent runs them.'
            : 'There is no check to look at: what applications send is in the metrics.'}
        </p>
        <Button onClick={() => onTab('configuration')}>How it is set up</Button>
      </Empty>
    )
  }
  if (detail.metrics > 0) {
    return (
      <Empty title={`No agent reports ${title}`}>
        <p>
          Its metrics come in all the same: the server measures its own host, or something else sends them.
        </p>
        <Button onClick={() => onTab('metrics')}>Its metrics</Button>
      </Empty>
    )
  }
  return (
    <Empty title={`No host ${kind === 'logs' ? 'reads these' : `runs ${title}`}`}>
      <p>
        {runs
          ? 'Agents run it by default and report it a minute or two after their start.'
          : 'Put one file on a host and tell its agent to read it.'}
      </p>
      <Button onClick={() => onTab('configuration')}>
        {runs ? 'How it is configured' : 'How to switch it on'}
      </Button>
    </Empty>
  )
}
