// The few graphs that say how a machine is doing, for one host or the mean of all.
import type { GraphStyle, PartRequest } from '@/graph'

export interface SystemGraph {
  title: string
  parts: PartRequest[]
  style?: Partial<GraphStyle>
}

const STACKED_AREA: Partial<GraphStyle> = { kind: 'area', stacked: true }

/** One line of a graph: its query under a letter of its own. */
function part(name: string, label: string, query: string): PartRequest {
  return { name, label, queries: [{ name, query }] }
}

/** `host` empty: all of them. */
export function systemGraphs(host: string): SystemGraph[] {
  const scope = host === '' ? '{*}' : `{host:${host}}`
  return [
    {
      title: 'CPU',
      style: STACKED_AREA,
      parts: [
        part('a', 'user', `avg:system.cpu.user${scope}`),
        part('b', 'system', `avg:system.cpu.system${scope}`),
        part('c', 'I/O wait', `avg:system.cpu.iowait${scope}`),
      ],
    },
    {
      title: 'Load',
      parts: [
        part('a', '1 min', `avg:system.load.1${scope}`),
        part('b', '5 min', `avg:system.load.5${scope}`),
        part('c', '15 min', `avg:system.load.15${scope}`),
      ],
    },
    {
      title: 'Memory',
      style: STACKED_AREA,
      parts: [
        part('a', 'used', `sum:system.mem.used${scope}`),
        part('b', 'free', `sum:system.mem.free${scope}`),
      ],
    },
    {
      title: 'Disk in use',
      parts: [part('a', 'in use', `max:system.disk.in_use${scope} by {device}`)],
    },
    {
      title: 'Network received',
      style: STACKED_AREA,
      parts: [part('a', 'received', `sum:system.net.bytes_rcvd${scope} by {device}`)],
    },
    {
      title: 'Network sent',
      style: STACKED_AREA,
      parts: [part('a', 'sent', `sum:system.net.bytes_sent${scope} by {device}`)],
    },
  ]
}
