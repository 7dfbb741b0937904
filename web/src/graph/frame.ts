// What a graph draws: columns on one time axis, made from one or several answers of the server.
import type { TimeseriesAnswer, UnitPair } from '@/api/types'
import { colorsFor } from './color'

export type Value = number | null

export interface Series {
  /** Unique within the frame and the same after every refresh. */
  key: string
  label: string
  /** What the series is grouped by: `host:a`. */
  tags: string[]
  /** Which query or formula it comes from: `a`, `a / b`. */
  source: string
  unit: UnitPair
  color: string
  values: Value[]
  /** From the period before the one on show, moved onto it: drawn dashed, never stacked. */
  previous?: boolean
}

export interface Frame {
  /** Unix ms, ascending. */
  times: number[]
  series: Series[]
  /** Bucket length in ms, as far as the points tell. */
  interval: number
}

export const EMPTY_FRAME: Frame = { times: [], series: [], interval: 0 }

export interface Part {
  /** Short name of the query: `a`. */
  name: string
  /** What stands for the series when it has no group: metric or formula. */
  label: string
  answer: TimeseriesAnswer
}

/** The commonest distance between neighbouring times. */
export function intervalOf(times: readonly number[]): number {
  const counts = new Map<number, number>()
  for (let index = 1; index < times.length; index++) {
    const distance = (times[index] ?? 0) - (times[index - 1] ?? 0)
    counts.set(distance, (counts.get(distance) ?? 0) + 1)
  }
  let best = 0
  let most = 0
  for (const [distance, count] of counts) {
    if (count > most || (count === most && distance < best)) {
      best = distance
      most = count
    }
  }
  return best
}

function mergeTimes(parts: readonly Part[]): number[] {
  const [first] = parts
  if (parts.length === 1 && first) return first.answer.data.attributes.times
  const all = new Set<number>()
  for (const { answer } of parts) for (const time of answer.data.attributes.times) all.add(time)
  return [...all].sort((left, right) => left - right)
}

function spread(
  values: readonly Value[],
  times: readonly number[],
  onto: ReadonlyMap<number, number>,
): Value[] {
  const row = new Array<Value>(onto.size).fill(null)
  times.forEach((time, index) => {
    const place = onto.get(time)
    if (place !== undefined) row[place] = values[index] ?? null
  })
  return row
}

/** A name for one series: its group, with the query's name before it when there are several queries. */
export function labelOf(
  part: Pick<Part, 'name' | 'label'>,
  tags: readonly string[],
  several: boolean,
): string {
  if (tags.length === 0) return part.label
  const group = tags.join(', ')
  return several ? `${part.name} · ${group}` : group
}

export function frameOf(parts: readonly Part[]): Frame {
  const times = mergeTimes(parts)
  const places = new Map(times.map((time, index) => [time, index]))
  const several = parts.length > 1
  const series: Omit<Series, 'color'>[] = []
  for (const part of parts) {
    const { attributes } = part.answer.data
    attributes.series.forEach((entry, index) => {
      const tags = entry.group_tags ?? []
      const values = attributes.values[index] ?? []
      series.push({
        key: `${part.name} ${entry.query_index} ${tags.join(',')}`,
        label: labelOf(part, tags, several),
        tags,
        source: part.name,
        unit: entry.unit,
        values: several ? spread(values, attributes.times, places) : values,
      })
    })
  }
  const colors = colorsFor(series.map(({ tags, label }) => ({ group: tags.join(','), label })))
  const interval = intervalOf(times)
  return { times, interval, series: series.map((entry, index) => ({ ...entry, color: colors[index] ?? '' })) }
}

/** `byte/second`: tells units apart. */
export function unitName(unit: UnitPair): string {
  return unit?.map((part) => part?.name ?? '').join('/') ?? ''
}
