// Turns a frame's columns into what is drawn: gaps told apart from sparse points, stacks added up, and no more
// points than the screen has room for.
import type { Value } from './frame'

/** `null` is a gap; `undefined` is a place between two points that belong together. */
export type Drawn = number | null | undefined

/** A silence longer than this many of a series' own steps is a gap. */
const GAP_STEPS = 2.5

function medianStep(values: readonly Value[], times: readonly number[]): number {
  const steps: number[] = []
  let before: number | undefined
  values.forEach((value, index) => {
    if (value === null) return
    const time = times[index] ?? 0
    if (before !== undefined) steps.push(time - before)
    before = time
  })
  steps.sort((left, right) => left - right)
  return steps[steps.length >> 1] ?? 0
}

/** Joins points of a series that reports more rarely than the buckets are long; longer silences stay gaps. */
export function markGaps(values: readonly Value[], times: readonly number[]): Drawn[] {
  const reach = medianStep(values, times) * GAP_STEPS
  const row: Drawn[] = [...values]
  let before = -1
  for (let index = 0; index < values.length; index++) {
    if (values[index] === null) continue
    if (before >= 0 && (times[index] ?? 0) - (times[before] ?? 0) <= reach) {
      for (let between = before + 1; between < index; between++) row[between] = undefined
    }
    before = index
  }
  return row
}

/**
 * The server leaves out times at which no series has a point. Puts empty buckets back, so that a silence of
 * everything is a gap too. `limit` bounds what a wrong interval could cost.
 */
export function withSilences(
  times: readonly number[],
  rows: readonly Value[][],
  interval: number,
  limit = 20_000,
): { times: number[]; rows: Value[][] } {
  const first = times[0]
  const last = times.at(-1)
  if (interval <= 0 || first === undefined || last === undefined || (last - first) / interval > limit) {
    return { times: [...times], rows: rows.map((row) => [...row]) }
  }
  const full: number[] = []
  const from: number[] = []
  times.forEach((time, index) => {
    const previous = full.at(-1)
    if (previous !== undefined) {
      for (let missing = previous + interval; missing < time - interval / 2; missing += interval) {
        full.push(missing)
        from.push(-1)
      }
    }
    full.push(time)
    from.push(index)
  })
  return {
    times: full,
    rows: rows.map((row) => from.map((index) => (index < 0 ? null : (row[index] ?? null)))),
  }
}

/** Adds each row onto the ones before it; the last row is the total. Empty places carry the level below. */
export function stack(rows: readonly Value[][]): Value[][] {
  const length = rows[0]?.length ?? 0
  const level = new Array<number>(length).fill(0)
  return rows.map((row) =>
    row.map((value, index) => {
      if (value === null) return null
      level[index] = (level[index] ?? 0) + value
      return level[index] ?? null
    }),
  )
}

/** Keeps the lowest and the highest point of every pixel column, in their order, when there are far too many. */
export function decimate(
  times: readonly number[],
  rows: readonly Value[][],
  columns: number,
): { times: number[]; rows: Value[][] } {
  if (columns < 1 || times.length <= columns * 4)
    return { times: [...times], rows: rows.map((row) => [...row]) }
  const size = Math.ceil(times.length / columns)
  const outTimes: number[] = []
  const outRows: Value[][] = rows.map(() => [])
  for (let start = 0; start < times.length; start += size) {
    const end = Math.min(start + size, times.length)
    outTimes.push(times[start] ?? 0)
    if (end - start > 1) outTimes.push(times[end - 1] ?? 0)
    rows.forEach((row, at) => {
      const [first, second] = extremes(row, start, end)
      outRows[at]?.push(first)
      if (end - start > 1) outRows[at]?.push(second)
    })
  }
  return { times: outTimes, rows: outRows }
}

function extremes(row: readonly Value[], start: number, end: number): [Value, Value] {
  let low = -1
  let high = -1
  for (let index = start; index < end; index++) {
    const value = row[index] ?? null
    if (value === null) continue
    if (low < 0 || value < (row[low] ?? 0)) low = index
    if (high < 0 || value > (row[high] ?? 0)) high = index
  }
  if (low < 0) return [null, null]
  return low <= high ? [row[low] ?? null, row[high] ?? null] : [row[high] ?? null, row[low] ?? null]
}
