// The columns of the integrations list.
import { Status } from '@/ui'
import { Ago } from '@/ui/ago'
import type { Column } from '@/ui/data-table'
import { STATE_LOOKS, stateOf, stateOrder } from '../filter'
import type { Integration } from '../types'
import css from './list.module.css'

const number = new Intl.NumberFormat('en')

/** `3 of 4 OK`: what one asks first of something that runs in several places. */
function Instances({ row }: { row: Integration }) {
  const all = row.ok + row.warning + row.error + row.pending
  if (all === 0) return <span>–</span>
  const parts = [
    { count: row.error, word: 'failing', state: 'alert' },
    { count: row.warning, word: 'warning', state: 'warn' },
    { count: row.pending, word: 'waiting', state: 'no-data' },
    { count: row.ok, word: 'OK', state: 'ok' },
  ].filter(({ count }) => count > 0)
  return (
    <span className={css.counts}>
      {parts.map(({ count, word, state }) => (
        <span key={word} className={css.count} data-state={state}>
          {number.format(count)} {word}
        </span>
      ))}
    </span>
  )
}

export const COLUMNS: readonly Column<Integration>[] = [
  {
    key: 'title',
    label: 'Integration',
    width: 190,
    grow: true,
    fixed: true,
    value: ({ title }) => title,
    render: ({ title, name, kind, summary }) => (
      <span className={css.title} title={summary}>
        <span>{title}</span>
        {kind === 'check' && title !== name && <span className={css.name}>{name}</span>}
        <span className={css.summary}>{summary}</span>
      </span>
    ),
  },
  {
    key: 'state',
    label: 'Status',
    width: 122,
    phone: true,
    value: stateOrder,
    render: (row) => {
      const { state, word } = STATE_LOOKS[stateOf(row)]
      return state === 'muted' ? (
        <span className={css.available}>{word}</span>
      ) : (
        <Status state={state}>{word}</Status>
      )
    },
  },
  {
    key: 'instances',
    label: 'Instances',
    width: 176,
    descendingFirst: true,
    value: (row) => row.ok + row.warning + row.error + row.pending,
    render: (row) => <Instances row={row} />,
  },
  {
    key: 'hosts',
    label: 'Hosts',
    width: 66,
    align: 'end',
    phone: true,
    descendingFirst: true,
    value: ({ hosts }) => hosts,
    render: ({ hosts }) => (hosts > 0 ? number.format(hosts) : '–'),
  },
  {
    key: 'metrics',
    label: 'Metrics',
    width: 76,
    align: 'end',
    descendingFirst: true,
    value: ({ metrics }) => metrics,
    render: ({ metrics }) => (metrics > 0 ? number.format(metrics) : '–'),
  },
  {
    key: 'version',
    label: 'Version',
    width: 110,
    value: ({ versions }) => versions[0],
    render: ({ versions }) => <span title={versions.join('\n')}>{versions.join(', ')}</span>,
  },
  {
    key: 'category',
    label: 'Category',
    width: 130,
    value: ({ category }) => category,
    render: ({ category }) => <span>{category}</span>,
  },
  {
    key: 'last_run',
    label: 'Last run',
    width: 92,
    align: 'end',
    descendingFirst: true,
    value: ({ last_run, reported_at }) => last_run ?? reported_at,
    render: ({ last_run, reported_at }) => <Ago at={last_run ?? reported_at} />,
  },
]
