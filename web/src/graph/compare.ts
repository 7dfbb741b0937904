// The same graph one period earlier, laid over the present one.
import type { TimeWindow } from '@/time'
import type { Frame, Series, Value } from './frame'

export function previousWindow({ from, to }: TimeWindow): TimeWindow {
  return { from: from - (to - from), to: from }
}

function spread(
  values: readonly Value[],
  times: readonly number[],
  places: ReadonlyMap<number, number>,
): Value[] {
  const row = new Array<Value>(places.size).fill(null)
  times.forEach((time, index) => {
    const place = places.get(time)
    if (place !== undefined) row[place] = values[index] ?? null
  })
  return row
}

function total(series: readonly Series[]): Series[] {
  const [first] = series
  if (!first) return []
  const values = first.values.map((_, index) => {
    const present = series.flatMap((entry) => entry.values[index] ?? [])
    return present.length === 0 ? null : present.reduce((sum, value) => sum + value, 0)
  })
  return [{ ...first, key: 'total', label: 'total', tags: [], values }]
}

/** Adds the series of `before`, moved by `span` ms; a stack is compared by its total. */
export function withPrevious(now: Frame, before: Frame, span: number, stacked: boolean): Frame {
  const moved = before.times.map((time) => time + span)
  const times = [...new Set([...now.times, ...moved])].sort((left, right) => left - right)
  const places = new Map(times.map((time, index) => [time, index]))
  const current = now.series.map((entry) => ({ ...entry, values: spread(entry.values, now.times, places) }))
  const compared = stacked ? total(before.series) : before.series
  const colors = new Map(now.series.map(({ key, color }) => [key, color]))
  const previous = compared.map((entry) => ({
    ...entry,
    key: `previous ${entry.key}`,
    label: `${entry.label}, previous period`,
    color: colors.get(entry.key) ?? entry.color,
    previous: true,
    values: spread(entry.values, moved, places),
  }))
  return { times, interval: now.interval, series: [...current, ...previous] }
}
