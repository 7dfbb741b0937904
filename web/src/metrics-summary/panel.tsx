// One metric beside the list: what it means, how it looks, its tags, its senders.
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { ChartSpline, Code } from 'lucide-react'
import { useState } from 'react'
import { GraphCard } from '@/graph'
import { explorerPath } from '@/query/link'
import { useTimeRange } from '@/time'
import { Button, CopyButton, ErrorNote, IconButton, ProgressBar, Select, SidePanel, Tag, toast } from '@/ui'
import { Ago } from '@/ui/ago'
import { Meter } from '@/ui/meter'
import text from '@/ui/text.module.css'
import { queryOf, unitText } from './filter'
import { MetadataForm } from './metadata-form'
import { metricDetailQuery } from './queries'
import type { MetricDetail } from './queries'
import css from './panel.module.css'

export interface MetricPanelProps {
  name: string | undefined
  onClose: () => void
  /** Narrows the list to a tag. */
  onTag: (tag: string) => void
}

const number = new Intl.NumberFormat('en')

export function MetricPanel({ name, onClose, onTag }: MetricPanelProps) {
  if (name === undefined) return null
  const title = (
    <span className={css.title}>
      <span className={text.mono}>{name}</span>
      <CopyButton text={name} label="Copy the name" />
    </span>
  )
  return (
    <SidePanel open onClose={onClose} title={title} actions={<PanelActions name={name} />} width={680}>
      <MetricBody key={name} name={name} onTag={onTag} />
    </SidePanel>
  )
}

function PanelActions({ name }: { name: string }) {
  const detail = useQuery(metricDetailQuery(name)).data
  const { range } = useTimeRange()
  const navigate = useNavigate()
  const query = queryOf(name, detail?.type)
  const copy = () =>
    void navigator.clipboard.writeText(query).then(
      () => toast('Query copied'),
      () => toast('The browser does not allow copying'),
    )
  return (
    <>
      <IconButton label="Copy the query" onClick={copy}>
        <Code size={16} />
      </IconButton>
      <IconButton
        label="Open in the explorer"
        onClick={() => void navigate({ href: explorerPath({ queries: [{ name: 'a', query }], range }) })}
      >
        <ChartSpline size={16} />
      </IconButton>
    </>
  )
}

function MetricBody({ name, onTag }: { name: string; onTag: (tag: string) => void }) {
  const { data, error, isPending, refetch } = useQuery(metricDetailQuery(name))
  if (error && !data) return <ErrorNote error={error} onRetry={() => void refetch()} />
  if (isPending || !data) return <ProgressBar />
  return (
    <div className={css.body}>
      <Facts detail={data} />
      <MetricGraph detail={data} />
      <MetadataForm name={name} />
      <Cardinality detail={data} />
      <Tags detail={data} onTag={onTag} />
      <Senders detail={data} />
    </div>
  )
}

function Facts({ detail }: { detail: MetricDetail }) {
  const facts: [string, React.ReactNode][] = [
    ['Type', detail.type],
    ['Unit', unitText(detail) || '–'],
    ['Interval', detail.interval ? `${detail.interval} s` : '–'],
    ['Hosts', number.format(detail.hosts)],
    ['Last seen', <Ago key="seen" at={detail.last_seen} />],
  ]
  return (
    <dl className={css.facts}>
      {facts.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

const TOTAL = '-'

function MetricGraph({ detail }: { detail: MetricDetail }) {
  const [by, setBy] = useState(TOTAL)
  const choices = [
    { value: TOTAL, label: 'All in one' },
    ...detail.tags.map(({ key }) => ({ value: key, label: `by ${key}` })),
  ]
  const query = queryOf(detail.name, detail.type, by === TOTAL ? '' : by)
  return (
    <GraphCard
      title={query}
      parts={[{ name: 'a', label: detail.name, queries: [{ name: 'a', query }] }]}
      style={{ kind: detail.type === 'count' ? 'bars' : 'line' }}
      legend={by === TOTAL ? 'none' : 'row'}
      height={160}
      actions={<Select label="Group by" value={by} choices={choices} onChange={setBy} />}
    />
  )
}

function Cardinality({ detail }: { detail: MetricDetail }) {
  const { series, limit } = detail
  return (
    <section className={css.section}>
      <h3>Cardinality</h3>
      <div className={css.meter}>
        <Meter label="Series against the limit" value={series} max={limit} />
        <span>
          {number.format(series)} of {number.format(limit)} series allowed
        </span>
      </div>
    </section>
  )
}

/** So many values of a tag stand in the panel before one asks for more. */
const FEW = 6

function Tags({ detail, onTag }: { detail: MetricDetail; onTag: (tag: string) => void }) {
  return (
    <section className={css.section}>
      <h3>Tags</h3>
      {detail.tags.length === 0 && <p className={text.quiet}>This metric has no tags.</p>}
      <div className={css.scroll} tabIndex={0} role="region" aria-label="Tags, scrollable">
        <table className={css.table}>
          <thead>
            <tr>
              <th scope="col">Key</th>
              <th scope="col" data-end="true">
                Values
              </th>
              <th scope="col">Most series</th>
            </tr>
          </thead>
          <tbody>
            {detail.tags.map((tag) => (
              <TagRow key={tag.key} tag={tag} onTag={onTag} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}

function TagRow({ tag, onTag }: { tag: MetricDetail['tags'][number]; onTag: (tag: string) => void }) {
  const [all, setAll] = useState(false)
  const shown = all ? tag.top : tag.top.slice(0, FEW)
  const rest = tag.top.length - shown.length
  return (
    <tr>
      <td className={text.mono}>{tag.key}</td>
      <td data-end="true">{number.format(tag.values)}</td>
      <td>
        <div className={css.chips}>
          {shown.map((value) => (
            <Tag
              key={value}
              title={`Show metrics with ${tag.key}:${value}`}
              onClick={() => onTag(`${tag.key}:${value}`)}
            >
              {value}
            </Tag>
          ))}
          {rest > 0 && (
            <Button small kind="quiet" onClick={() => setAll(true)}>
              {rest} more
            </Button>
          )}
          {rest === 0 && tag.values > tag.top.length && (
            <span className={text.quiet}>and {number.format(tag.values - tag.top.length)} others</span>
          )}
        </div>
      </td>
    </tr>
  )
}

function Senders({ detail }: { detail: MetricDetail }) {
  return (
    <section className={css.section}>
      <h3>Who sends it</h3>
      {detail.senders.length === 0 && (
        <p className={text.quiet}>No host sends it: its points carry no host.</p>
      )}
      {detail.senders.length > 0 && (
        <div className={css.scroll} tabIndex={0} role="region" aria-label="Senders, scrollable">
          <table className={css.table}>
            <thead>
              <tr>
                <th scope="col">Host</th>
                <th scope="col">Agent</th>
                <th scope="col" data-end="true">
                  Series
                </th>
                <th scope="col" data-end="true">
                  Last seen
                </th>
              </tr>
            </thead>
            <tbody>
              {detail.senders.map((sender) => (
                <tr key={sender.host}>
                  <td>
                    {sender.host === '' ? (
                      <span className={text.quiet}>without a host</span>
                    ) : (
                      <Link to="/infrastructure/host/$name" params={{ name: sender.host }}>
                        {sender.host}
                      </Link>
                    )}
                  </td>
                  <td>{sender.agent_version ?? '–'}</td>
                  <td data-end="true">{number.format(sender.series)}</td>
                  <td data-end="true">
                    <Ago at={sender.last_seen} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}
