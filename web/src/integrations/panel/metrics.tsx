// The metrics that an integration brings, each a click away from its graph.
import { useState } from 'react'
import { Link } from '@tanstack/react-router'
import { explorerPath, metricQuery } from '@/query/link'
import { useTimeRange } from '@/time'
import { Button, Empty, SearchInput } from '@/ui'
import { Ago } from '@/ui/ago'
import text from '@/ui/text.module.css'
import type { IntegrationDetail, IntegrationMetric } from '../types'
import css from './panel.module.css'

/** Longer lists get a search field and are shown in part first. */
const FIRST = 100
const SEARCHED = 12
const number = new Intl.NumberFormat('en')

export function MetricTable({ detail }: { detail: IntegrationDetail }) {
  const [words, setWords] = useState('')
  const [all, setAll] = useState(false)
  const { metric_list: metrics } = detail
  if (metrics.length === 0) return <NoMetrics detail={detail} />
  const low = words.trim().toLowerCase()
  const found = metrics.filter(({ name, description }) =>
    `${name} ${description}`.toLowerCase().includes(low),
  )
  const shown = all ? found : found.slice(0, FIRST)
  return (
    <>
      {metrics.length > SEARCHED && (
        <SearchInput label="Search metrics" placeholder="Search" value={words} onChange={setWords} />
      )}
      <div className={css.scroll} tabIndex={0} role="region" aria-label="Metrics, scrollable">
        <table className={css.table}>
          <thead>
            <tr>
              <th scope="col">Metric</th>
              <th scope="col">Type</th>
              <th scope="col">Unit</th>
              <th scope="col" data-end="true">
                Series
              </th>
              <th scope="col" data-end="true">
                Last seen
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((metric) => (
              <MetricRow key={metric.name} metric={metric} />
            ))}
          </tbody>
        </table>
      </div>
      {found.length === 0 && <p className={text.quiet}>No metric of {detail.title} matches.</p>}
      {shown.length < found.length && (
        <div>
          <Button small onClick={() => setAll(true)}>
            Show all {number.format(found.length)}
          </Button>
        </div>
      )}
    </>
  )
}

function MetricRow({ metric }: { metric: IntegrationMetric }) {
  const { range } = useTimeRange()
  const query = metricQuery(metric.name, metric.type, metric.hosts > 1 ? 'host' : '')
  return (
    <tr>
      <td>
        <Link to={explorerPath({ queries: [{ name: 'a', query }], range })} className={css.metric}>
          {metric.name}
        </Link>
        {metric.description && <span className={css.description}>{metric.description}</span>}
      </td>
      <td>{metric.type}</td>
      <td>{metric.unit || '–'}</td>
      <td data-end="true">{number.format(metric.series)}</td>
      <td data-end="true">
        <Ago at={metric.last_seen} />
      </td>
    </tr>
  )
}

function NoMetrics({ detail }: { detail: IntegrationDetail }) {
  if (detail.kind === 'logs') {
    return (
      <Empty title="Logs, no metrics">
        <p>Lines are counted per source in the tab Hosts.</p>
      </Empty>
    )
  }
  const prefixes = detail.metric_prefixes ?? [`${detail.name}.`]
  return (
    <Empty title="No metrics within a day">
      {prefixes.length > 0 ? (
        <p>
          Their names begin with{' '}
          {prefixes.map((prefix, index) => (
            <span key={prefix}>
              {index > 0 && ' or '}
              <code className={text.mono}>{prefix}</code>
            </span>
          ))}
          .
        </p>
      ) : (
        <p>Their names are chosen by whoever configures it: look in the summary.</p>
      )}
      <Link to="/metrics/summary">All metrics</Link>
    </Empty>
  )
}
