// The columns of the host list.
import { formatValue } from '@/format/value'
import { Ago } from '@/ui/ago'
import type { Column } from '@/ui/data-table'
import { Meter } from '@/ui/meter'
import { stateOf, tellingTags } from '../filter'
import { HostStatus } from '../host-status'
import type { HostRow } from '../types'
import css from './list.module.css'

const STATE_ORDER = { down: 0, muted: 1, up: 2 }

function Percent({ value, label }: { value: number | undefined; label: string }) {
  if (value === undefined) return <span>–</span>
  return (
    <span className={css.percent}>
      <Meter small label={label} value={value} max={100} />
      <span>{formatValue(value)}%</span>
    </span>
  )
}

function Words({ words }: { words: readonly string[] }) {
  return <span title={words.join('\n')}>{words.join(', ')}</span>
}

export const COLUMNS: readonly Column<HostRow>[] = [
  {
    key: 'name',
    label: 'Host',
    width: 136,
    grow: true,
    fixed: true,
    value: ({ name }) => name,
    render: ({ name }) => <span title={name}>{name}</span>,
  },
  {
    key: 'status',
    label: 'Status',
    width: 88,
    phone: true,
    value: (host) => STATE_ORDER[stateOf(host)],
    render: ({ up, is_muted }) => <HostStatus up={up} muted={is_muted} />,
  },
  {
    key: 'cpu',
    label: 'CPU',
    width: 104,
    phone: true,
    descendingFirst: true,
    value: ({ metrics }) => metrics.cpu,
    render: ({ metrics, name }) => <Percent value={metrics.cpu} label={`CPU of ${name}`} />,
  },
  {
    key: 'iowait',
    label: 'IOWait',
    width: 70,
    align: 'end',
    descendingFirst: true,
    value: ({ metrics }) => metrics.iowait,
    render: ({ metrics }) => (metrics.iowait === undefined ? '–' : `${formatValue(metrics.iowait)}%`),
  },
  {
    key: 'load',
    label: 'Load 15',
    width: 74,
    align: 'end',
    descendingFirst: true,
    value: ({ metrics }) => metrics.load,
    render: ({ metrics }) => <span title="Load of 15 minutes per core">{formatValue(metrics.load)}</span>,
  },
  {
    key: 'apps',
    label: 'Apps',
    width: 92,
    grow: true,
    value: ({ apps }) => apps.length,
    descendingFirst: true,
    render: ({ apps }) => <Words words={apps} />,
  },
  {
    key: 'platform',
    label: 'Platform',
    width: 80,
    value: ({ facts }) => facts?.platform,
    render: ({ facts }) => <span>{facts?.platform}</span>,
  },
  {
    key: 'agent',
    label: 'Agent',
    width: 76,
    value: ({ facts }) => facts?.agent_version,
    render: ({ facts }) => <span title={facts?.agent_version}>{facts?.agent_version}</span>,
  },
  {
    key: 'cores',
    label: 'Cores',
    width: 72,
    align: 'end',
    optional: true,
    descendingFirst: true,
    value: ({ facts }) => facts?.cores,
    render: ({ facts }) => facts?.cores ?? '–',
  },
  {
    key: 'tags',
    label: 'Tags',
    width: 110,
    grow: true,
    render: ({ tags }) => <Words words={tellingTags(tags)} />,
  },
  {
    key: 'last_seen',
    label: 'Last seen',
    width: 90,
    align: 'end',
    descendingFirst: true,
    value: ({ last_reported_time }) => last_reported_time,
    render: ({ last_reported_time }) => <Ago at={last_reported_time} />,
  },
]
