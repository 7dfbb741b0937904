// How a host is doing: the graphs that one looks at first.
import { GraphCard } from '@/graph'
import type { GraphStyle, PartRequest } from '@/graph'
import type { UnitPair } from '@/api/types'
import css from './host.module.css'

interface HostGraph {
  title: string
  /** Name of the line and what is asked; `$` stands for the host's scope. */
  lines: readonly (readonly [label: string, query: string])[]
  style: Partial<GraphStyle>
  /** Where a formula takes the unit away. */
  unit?: UnitPair
}

const MEBIBYTE: UnitPair = [
  {
    id: 4,
    family: 'bytes',
    name: 'mebibyte',
    plural: 'mebibytes',
    short_name: 'MiB',
    scale_factor: 1024 ** 2,
  },
  null,
]

const GRAPHS: readonly HostGraph[] = [
  {
    title: 'CPU',
    style: { kind: 'area', stacked: true },
    lines: [
      ['user', 'avg:system.cpu.user{$}'],
      ['system', 'avg:system.cpu.system{$}'],
      ['iowait', 'avg:system.cpu.iowait{$}'],
      ['stolen', 'avg:system.cpu.stolen{$}'],
    ],
  },
  {
    title: 'Load',
    style: { kind: 'line' },
    lines: [
      ['1 min', 'avg:system.load.1{$}'],
      ['5 min', 'avg:system.load.5{$}'],
      ['15 min', 'avg:system.load.15{$}'],
    ],
  },
  {
    title: 'Memory',
    unit: MEBIBYTE,
    style: { kind: 'area', stacked: true },
    lines: [
      ['used, not to be freed', 'avg:system.mem.total{$} - avg:system.mem.usable{$}'],
      ['usable', 'avg:system.mem.usable{$}'],
    ],
  },
  {
    title: 'Disk in use',
    style: { kind: 'line' },
    lines: [['', 'max:system.disk.in_use{$} by {device}']],
  },
  {
    title: 'Network',
    style: { kind: 'line' },
    lines: [
      ['received', 'sum:system.net.bytes_rcvd{$}'],
      ['sent', 'sum:system.net.bytes_sent{$}'],
    ],
  },
  {
    title: 'Disk wait',
    style: { kind: 'line' },
    lines: [['', 'avg:system.io.await{$} by {device}']],
  },
]

/** A value inside `{}`: characters that end a tag there would end the scope. */
export const hostScope = (name: string): string => `host:${name.toLowerCase().replace(/[\s{},"]/g, '_')}`

function partsOf(graph: HostGraph, scope: string): PartRequest[] {
  return graph.lines.map(([label, template], index) => {
    const name = String.fromCharCode('a'.charCodeAt(0) + index)
    const terms = template.split(' - ')
    if (terms.length === 1) return { name, label, queries: [{ name, query: template.replace('$', scope) }] }
    const queries = terms.map((term, at) => ({ name: `${name}${at}`, query: term.replace('$', scope) }))
    return { name, label, queries, formula: queries.map((query) => query.name).join(' - ') }
  })
}

export function HostGraphs({ name }: { name: string }) {
  const scope = hostScope(name)
  return (
    <div className={css.graphs}>
      {GRAPHS.map((graph) => (
        <GraphCard
          key={graph.title}
          title={graph.title}
          parts={partsOf(graph, scope)}
          style={graph.style}
          unit={graph.unit}
          height={140}
        />
      ))}
    </div>
  )
}
