// From a frame and a style to columns that can be painted: which series in which order, stacked or not.
import { decimate, markGaps, stack, withSilences } from './shape'
import type { Drawn } from './shape'
import type { UnitPair } from '@/api/types'
import { unitName } from './frame'
import type { Frame, Value } from './frame'

export type GraphKind = 'line' | 'area' | 'bars'

export interface GraphStyle {
  kind: GraphKind
  /** Add the series up. */
  stacked: boolean
  /** The value axis starts at zero. */
  fromZero: boolean
}

export const DEFAULT_STYLE: GraphStyle = { kind: 'line', stacked: false, fromZero: true }

/** More lines than this say nothing to the eye and cost a frame each. */
export const MAX_DRAWN = 300

export interface Plan {
  times: number[]
  /** One row per entry of `order`. */
  rows: Drawn[][]
  /** Index into the frame's series, in the order of painting: for stacks the topmost first. */
  order: number[]
  stacked: boolean
  /** How many of the rows, from the first on, make the stack. */
  inStack: number
  kind: GraphKind
  interval: number
  /** One value axis, or two when exactly two units are drawn: the second stands on the right. */
  axes: Axis[]
  /** Which axis each row belongs to. */
  axisOf: number[]
}

export interface Axis {
  unit: UnitPair
  low: number
  high: number
}

/** Which of the frame's series are drawn: the visible ones, the largest when there are too many. */
export function drawnOf(frame: Frame, hidden: ReadonlySet<string>): number[] {
  const visible = frame.series
    .map((_, index) => index)
    .filter((index) => !hidden.has(frame.series[index]?.key ?? ''))
  if (visible.length <= MAX_DRAWN) return visible
  const weight = (index: number) =>
    (frame.series[index]?.values ?? []).reduce<number>((total, value) => total + Math.abs(value ?? 0), 0)
  const weights = new Map(visible.map((index) => [index, weight(index)]))
  return visible
    .sort((left, right) => (weights.get(right) ?? 0) - (weights.get(left) ?? 0))
    .slice(0, MAX_DRAWN)
    .sort((left, right) => left - right)
}

/** Straight lines over places between two points that belong together, so that stacks do not dent there. */
function bridged(row: readonly Value[], times: readonly number[]): Value[] {
  const marked = markGaps(row, times)
  const out: Value[] = [...row]
  let before = -1
  marked.forEach((value, index) => {
    if (typeof value !== 'number') {
      if (value === null) before = -1
      return
    }
    if (before >= 0 && index - before > 1) {
      const start = row[before] ?? 0
      const span = (times[index] ?? 0) - (times[before] ?? 0)
      for (let between = before + 1; between < index; between++) {
        const share = ((times[between] ?? 0) - (times[before] ?? 0)) / span
        out[between] = start + (value - start) * share
      }
    }
    before = index
  })
  return out
}

function extent(rows: readonly Drawn[][]): [low: number, high: number] {
  let low = Infinity
  let high = -Infinity
  for (const row of rows) {
    for (const value of row) {
      if (typeof value !== 'number') continue
      if (value < low) low = value
      if (value > high) high = value
    }
  }
  return low <= high ? [low, high] : [0, 1]
}

/** `width` in CSS pixels of the plotting area. */
export function planOf(frame: Frame, style: GraphStyle, hidden: ReadonlySet<string>, width: number): Plan {
  const drawn = drawnOf(frame, hidden)
  const isPrevious = (index: number) => frame.series[index]?.previous === true
  const current = drawn.filter((index) => !isPrevious(index))
  const previous = drawn.filter(isPrevious)
  const raw = [...current, ...previous].map((index) => frame.series[index]?.values ?? [])
  const whole = withSilences(frame.times, raw, frame.interval)
  const fit = decimate(whole.times, whole.rows, Math.max(1, Math.floor(width)))
  const own = fit.rows.slice(0, current.length)
  const before = fit.rows.slice(current.length).map((row) => markGaps(row, fit.times))
  const stacked = style.stacked && style.kind !== 'line' && current.length > 1
  const painted = stacked ? stackedRows(own, fit.times, style.kind) : ownRows(own, fit.times, style.kind)
  if (stacked) current.reverse()
  const rows = [...painted, ...before]
  const order = [...current, ...previous]
  const { axes, axisOf } = axesOf(frame, order, rows, stacked)
  const { kind } = style
  const inStack = stacked ? current.length : 0
  return { times: fit.times, rows, order, stacked, inStack, kind, interval: frame.interval, axes, axisOf }
}

/** The topmost first: painted over by those below. */
function stackedRows(rows: Value[][], times: number[], kind: GraphKind): Drawn[][] {
  return stack(kind === 'bars' ? rows : rows.map((row) => bridged(row, times))).reverse()
}

function ownRows(rows: Value[][], times: number[], kind: GraphKind): Drawn[][] {
  return kind === 'bars' ? rows : rows.map((row) => markGaps(row, times))
}

function axesOf(frame: Frame, order: readonly number[], rows: readonly Drawn[][], stacked: boolean) {
  const units = order.map((index) => frame.series[index]?.unit ?? null)
  const names = units.map(unitName)
  const distinct = [...new Set(names)]
  const split = distinct.length === 2 && !stacked
  const axisOf = names.map((name) => (split ? distinct.indexOf(name) : 0))
  const groups = split ? [0, 1] : [0]
  const axes = groups.map((axis): Axis => {
    const [low, high] = extent(rows.filter((_, row) => axisOf[row] === axis))
    const unit = split || distinct.length === 1 ? (units[axisOf.indexOf(axis)] ?? null) : null
    return { unit, low, high }
  })
  return { axes, axisOf }
}

/** Head room above the highest point, so that lines do not touch the edge. */
const HEAD_ROOM = 0.06

/** The value axis for a plan. */
export function axisRange(plan: Plan, axis: number, fromZero: boolean): [min: number, max: number] {
  let { low, high } = plan.axes[axis] ?? { low: 0, high: 1 }
  const zero = fromZero || plan.kind !== 'line'
  if (zero) {
    low = Math.min(low, 0)
    high = Math.max(high, 0)
  }
  if (low === high) return low === 0 ? [0, 1] : [low - Math.abs(low) * 0.1, high + Math.abs(high) * 0.1]
  const room = (high - low) * HEAD_ROOM
  return [low < 0 || !zero ? low - room : low, high > 0 || !zero ? high + room : high]
}

/** Points without a neighbour, which no line would show. */
export function lonely(row: readonly Drawn[]): number[] {
  const solid = (index: number) => {
    let at = index
    while (at >= 0 && at < row.length && row[at] === undefined) at += index < 0 ? -1 : 1
    return typeof row[at] === 'number'
  }
  const out: number[] = []
  row.forEach((value, index) => {
    if (typeof value !== 'number') return
    let left = index - 1
    while (left >= 0 && row[left] === undefined) left -= 1
    if (typeof row[left] !== 'number' && !solid(index + 1)) out.push(index)
  })
  return out
}
