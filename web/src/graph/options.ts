// Builds the plotting library's options from a plan. With plot.tsx and tooltip.ts the only place that knows the library.
import uPlot from 'uplot'
import type { UnitPair } from '@/api/types'
import { ticks } from '@/format/value'
import { color, FONT_SANS } from '@/tokens'
import type { ThemeName } from '@/tokens'
import type { Frame } from './frame'
import { axisRange, lonely } from './plan'
import type { Plan } from './plan'
import { timeTick } from './time-axis'

/** All graphs of a page share one crosshair. */
const SYNC_KEY = 'page'
/** Names of the value scales, left and right. */
const SCALES = ['y', 'y2']
const LABEL_FONT = `11px ${FONT_SANS}`
/** Room for one tick, in CSS px. */
const TICK_HEIGHT = 38
const TICK_WIDTH = 76
const X_AXIS_HEIGHT = 24
const LINE_WIDTH = 1.5
/** How near, in CSS px, the pointer must be for a line to come to the front. */
const NEAR_PX = 30
const AREA_ALPHA = 0.18
const STACK_ALPHA = 0.55

/** Options read `plan` and `frame` from here at every draw: putting new ones in needs no new plot. */
export interface PlotInput {
  plan: Plan
  frame: Frame
  /** Overrides what the series say. */
  unit: UnitPair | undefined
  fromZero: boolean
  theme: ThemeName
  width: number
  height: number
}

export interface PlotHandlers {
  /** The window on show in unix ms; read at every draw so that panning needs no rebuild. */
  window: () => [from: number, to: number]
  onSelect: (from: number, to: number) => void
  onZoomOut: () => void
  onPan: (event: MouseEvent, plot: uPlot) => void
  onCursor: (plot: uPlot) => void
  onFocus: (index: number | null) => void
}

function alpha(hex: string, share: number): string {
  return `${hex}${Math.round(share * 255)
    .toString(16)
    .padStart(2, '0')}`
}

export function dataOf(plan: Plan): uPlot.AlignedData {
  return [plan.times, ...plan.rows] as uPlot.AlignedData
}

function barPaths(plan: Plan): uPlot.Series.PathBuilder | undefined {
  return uPlot.paths.bars?.({ align: 1, size: [0.86, 64], gap: plan.times.length > 200 ? 0 : 1 })
}

function fillOf(plan: Plan, stroke: string): string | undefined {
  if (plan.kind === 'bars') return plan.stacked || plan.rows.length === 1 ? stroke : alpha(stroke, 0.6)
  if (plan.kind === 'area') return alpha(stroke, plan.stacked ? STACK_ALPHA : AREA_ALPHA)
  return undefined
}

function seriesOf(input: PlotInput): uPlot.Series[] {
  const { plan, frame } = input
  const drawn = plan.order.map((index, row): uPlot.Series => {
    const series = frame.series[index]
    const stroke = series?.color ?? '#888888'
    const scale = SCALES[plan.axisOf[row] ?? 0]
    const dots = { show: true, filter: () => lonely(input.plan.rows[row] ?? []), size: 4, fill: stroke }
    if (series?.previous) return { scale, stroke, width: LINE_WIDTH, dash: [4, 4], alpha: 0.75, points: dots }
    if (plan.kind === 'bars') {
      return {
        scale,
        stroke,
        fill: fillOf(plan, stroke),
        width: 0,
        paths: barPaths(plan),
        points: { show: false },
      }
    }
    return {
      scale,
      stroke,
      fill: fillOf(plan, stroke),
      width: plan.stacked ? 1 : LINE_WIDTH,
      paths: uPlot.paths.linear?.(),
      points: dots,
    }
  })
  return [{}, ...drawn]
}

/** Areas of a stack fill down to the series below, not to zero. */
function bandsOf(plan: Plan): uPlot.Band[] {
  if (!plan.stacked || plan.kind !== 'area') return []
  return plan.rows.slice(1, plan.inStack).map((_, index) => ({ series: [index + 1, index + 2] }))
}

function axesOf(input: PlotInput): uPlot.Axis[] {
  const { theme } = input
  const timeAxis: uPlot.Axis = {
    ...axisLook(theme),
    grid: { show: false },
    border: { show: true, stroke: color('line-strong', theme), width: 1 },
    size: X_AXIS_HEIGHT,
    gap: 4,
    space: TICK_WIDTH,
    values: (_plot, splits) => {
      const step = (splits[1] ?? 0) - (splits[0] ?? 0)
      return splits.map((split) => timeTick(split, step))
    },
  }
  return [timeAxis, ...input.plan.axes.map((_, axis) => valueAxis(input, axis))]
}

const axisLook = (theme: ThemeName) => ({
  stroke: color('axis', theme),
  font: LABEL_FONT,
  ticks: { show: false },
})

function valueAxis(input: PlotInput, axis: number): uPlot.Axis {
  const scale = SCALES[axis] ?? 'y'
  const rows = (plot: uPlot) => Math.max(1, plot.bbox.height / uPlot.pxRatio / TICK_HEIGHT)
  const unit = () => input.unit ?? input.plan.axes[axis]?.unit ?? null
  return {
    ...axisLook(input.theme),
    scale,
    side: axis === 0 ? 3 : 1,
    grid: { show: axis === 0, stroke: color('grid', input.theme), width: 1 },
    gap: 6,
    size: (_plot, labels) => Math.max(28, ...(labels ?? []).map(textWidth)) + 10,
    splits: (plot, _axis, min, max) => ticks(min, max, rows(plot), unit()).values,
    values: (plot, splits) => {
      if (input.plan.rows.length === 0) return splits.map(() => '')
      const { min, max } = plot.scales[scale] ?? {}
      const { values, labels } = ticks(min ?? 0, max ?? 1, rows(plot), unit())
      return splits.map((split) => labels[values.indexOf(split)] ?? '')
    },
  }
}

let measure: CanvasRenderingContext2D | null | undefined

function textWidth(text: string): number {
  measure ??= document.createElement('canvas').getContext('2d')
  if (!measure) return text.length * 7
  measure.font = LABEL_FONT
  return Math.ceil(measure.measureText(text).width)
}

/** In a stack the area under the pointer is meant, not the nearest edge. */
function focusOf(plan: Plan): uPlot.Cursor.Focus {
  if (!plan.stacked) return { prox: NEAR_PX }
  return {
    prox: 1e6,
    dist: (_plot, _series, _index, valuePos, cursorPos) =>
      cursorPos >= valuePos ? cursorPos - valuePos : Number.MAX_SAFE_INTEGER,
  }
}

export function optionsOf(input: PlotInput, handlers: PlotHandlers): uPlot.Options {
  const { plan, width, height } = input
  return {
    width,
    height,
    ms: 1,
    pxAlign: 1,
    padding: [10, 16, 0, 0],
    legend: { show: false },
    series: seriesOf(input),
    bands: bandsOf(plan),
    axes: axesOf(input),
    scales: {
      x: { time: true, range: () => handlers.window() },
      y: { range: () => axisRange(input.plan, 0, input.fromZero) },
      ...(plan.axes.length > 1 ? { y2: { range: () => axisRange(input.plan, 1, input.fromZero) } } : {}),
    },
    focus: { alpha: plan.rows.length > 1 ? 0.25 : 1 },
    cursor: {
      y: false,
      sync: { key: SYNC_KEY, scales: ['x', null], setSeries: false },
      focus: focusOf(plan),
      points: {
        one: true,
        ...(plan.kind === 'bars' ? { show: false } : {}),
        size: 7,
        width: 1.5,
        fill: (_, index) => input.frame.series[plan.order[index - 1] ?? 0]?.color ?? '',
        stroke: () => color('surface-1', input.theme),
      },
      drag: { x: true, y: false, setScale: false, dist: 4 },
      bind: {
        mousedown: (plot, _, handler) => (event) => {
          if (event.altKey && event.button === 0) handlers.onPan(event, plot)
          else handler(event)
          return null
        },
        dblclick: () => () => {
          handlers.onZoomOut()
          return null
        },
      },
    },
    hooks: {
      setSelect: [
        (plot) => {
          const { left, width: wide } = plot.select
          if (wide < 4) return
          handlers.onSelect(plot.posToVal(left, 'x'), plot.posToVal(left + wide, 'x'))
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
        },
      ],
      setCursor: [handlers.onCursor],
      setSeries: [(_, index) => handlers.onFocus(index === null ? null : index - 1)],
      drawAxes: [(plot) => drawZero(plot, input.theme)],
    },
  }
}

/** A stronger line at zero when the graph goes below it. */
function drawZero(plot: uPlot, theme: ThemeName): void {
  const { min, max } = plot.scales.y ?? {}
  if (min === undefined || max === undefined || min === null || max === null || min >= 0 || max <= 0) return
  const y = Math.round(plot.valToPos(0, 'y', true)) + 0.5
  const { ctx, bbox } = plot
  ctx.save()
  ctx.strokeStyle = color('zero', theme)
  ctx.lineWidth = uPlot.pxRatio
  ctx.beginPath()
  ctx.moveTo(bbox.left, y)
  ctx.lineTo(bbox.left + bbox.width, y)
  ctx.stroke()
  ctx.restore()
}
