// Numbers beside a series.
import type { Value } from './frame'

export interface Stats {
  avg: number | null
  min: number | null
  max: number | null
  sum: number | null
  last: number | null
}

export const STATS = ['avg', 'min', 'max', 'sum', 'last'] as const
export type Stat = (typeof STATS)[number]

export function statsOf(values: readonly Value[]): Stats {
  let count = 0
  let sum = 0
  let min = Infinity
  let max = -Infinity
  let last: number | null = null
  for (const value of values) {
    if (value === null) continue
    count += 1
    sum += value
    if (value < min) min = value
    if (value > max) max = value
    last = value
  }
  if (count === 0) return { avg: null, min: null, max: null, sum: null, last: null }
  return { avg: sum / count, min, max, sum, last }
}
