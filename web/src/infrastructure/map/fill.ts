// What the map is filled and sized by: a few well-known readings, or any metric.
import type { Unit, UnitPair } from '@/api/types'

const PERCENT: Unit = {
  id: 17,
  family: 'percentage',
  name: 'percent',
  plural: 'percent',
  short_name: '%',
  scale_factor: 1,
}

export interface Fill {
  /** What stands in the URL. */
  id: string
  label: string
  /** Grouped by host. */
  query: string
  /** Over the query's name, `a`. */
  formula: string
  /** Of the legend, when it does not follow the values. */
  range?: readonly [min: number, max: number]
  unit?: UnitPair
}

const percent: UnitPair = [PERCENT, null]

export const PRESETS: readonly Fill[] = [
  preset('cpu', 'CPU used', 'avg:system.cpu.idle', '100 - a', [0, 100], percent),
  preset('memory', 'Memory used', 'avg:system.mem.pct_usable', '100 - a * 100', [0, 100], percent),
  preset('disk', 'Fullest disk', 'max:system.disk.in_use', 'a * 100', [0, 100], percent),
  preset('load', 'Load per core', 'avg:system.load.norm.1', 'a', [0, 2]),
  preset('iowait', 'CPU waiting for disks', 'avg:system.cpu.iowait', 'a', [0, 50], percent),
  preset('received', 'Network received', 'sum:system.net.bytes_rcvd', 'a'),
  preset('sent', 'Network sent', 'sum:system.net.bytes_sent', 'a'),
  preset('cores', 'Number of cores', 'max:system.cpu.num_cores', 'a'),
]

function preset(
  id: string,
  label: string,
  metric: string,
  formula: string,
  range?: Fill['range'],
  unit?: UnitPair,
): Fill {
  return { id, label, query: `${metric}{*} by {host}`, formula, range, unit }
}

export const DEFAULT_FILL = PRESETS[0] as Fill

const AGGREGATED = /^(avg|max|min|sum):([A-Za-z][\w./-]*)$/
const METRIC = /^[A-Za-z][\w./-]*$/

/** Reads an id, a label, a metric or an aggregated metric; `undefined` for anything else. */
export function readFill(text: string | undefined): Fill | undefined {
  const wanted = text?.trim() ?? ''
  const known = PRESETS.find(({ id, label }) => id === wanted || label.toLowerCase() === wanted.toLowerCase())
  if (known) return known
  const full = METRIC.test(wanted) ? `avg:${wanted}` : wanted
  if (!AGGREGATED.test(full)) return undefined
  return { id: full, label: full, query: `${full}{*} by {host}`, formula: 'a' }
}

/** The legend's range: what the user set, what the reading has by nature, or what the values span. */
export function rangeOf(
  fill: Fill,
  values: Iterable<number>,
  set: { min?: string; max?: string },
): [min: number, max: number] {
  const own = (text: string | undefined) => {
    const value = Number(text)
    return text !== undefined && text !== '' && Number.isFinite(value) ? value : undefined
  }
  let low = 0
  let high = -Infinity
  for (const value of values) {
    if (value < low) low = value
    if (value > high) high = value
  }
  const natural = fill.range ?? [low, Number.isFinite(high) ? high : 1]
  return [own(set.min) ?? natural[0], own(set.max) ?? natural[1]]
}
