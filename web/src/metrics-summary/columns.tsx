// The columns of the metrics summary.
import { Ago } from '@/ui/ago'
import type { Column } from '@/ui/data-table'
import text from '@/ui/text.module.css'
import { unitText } from './filter'
import type { MetricRow } from './queries'

const number = new Intl.NumberFormat('en')

export const COLUMNS: readonly Column<MetricRow>[] = [
  {
    key: 'name',
    label: 'Metric',
    width: 220,
    grow: true,
    fixed: true,
    value: ({ name }) => name,
    render: ({ name }) => (
      <span className={text.mono} title={name}>
        {name}
      </span>
    ),
  },
  {
    key: 'type',
    label: 'Type',
    width: 104,
    phone: true,
    value: ({ type }) => type,
    render: ({ type }) => type,
  },
  {
    key: 'unit',
    label: 'Unit',
    width: 140,
    value: unitText,
    render: (metric) => <span title={unitText(metric)}>{unitText(metric)}</span>,
  },
  {
    key: 'description',
    label: 'Description',
    width: 160,
    grow: true,
    value: ({ description }) => description,
    render: ({ description }) => <span title={description ?? undefined}>{description}</span>,
  },
  {
    key: 'series',
    label: 'Series',
    width: 84,
    align: 'end',
    phone: true,
    descendingFirst: true,
    value: ({ series }) => series,
    render: ({ series }) => number.format(series),
  },
  {
    key: 'hosts',
    label: 'Hosts',
    width: 76,
    align: 'end',
    descendingFirst: true,
    value: ({ hosts }) => hosts,
    render: ({ hosts }) => number.format(hosts),
  },
  {
    key: 'interval',
    label: 'Interval',
    width: 84,
    align: 'end',
    optional: true,
    value: ({ interval }) => interval,
    render: ({ interval }) => (interval ? `${interval} s` : '–'),
  },
  {
    key: 'last_seen',
    label: 'Last seen',
    width: 104,
    align: 'end',
    descendingFirst: true,
    value: ({ last_seen }) => last_seen,
    render: ({ last_seen }) => <Ago at={last_seen} />,
  },
]
