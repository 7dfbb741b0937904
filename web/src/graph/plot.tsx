// The canvas: owns one plot, keeps it in step with data, size, theme and the page's time window.
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import type { KeyboardEvent, RefObject } from 'react'
import type { UnitPair } from '@/api/types'
import { useTheme } from '@/theme'
import type { TimeWindow } from '@/time'
import { unitName } from './frame'
import type { Frame } from './frame'
import { dataOf, optionsOf } from './options'
import type { PlotInput } from './options'
import { planOf } from './plan'
import type { GraphStyle, Plan } from './plan'
import { TooltipBox } from './tooltip'
import css from './graph.module.css'

export interface PlotProps {
  frame: Frame
  style: GraphStyle
  hidden: ReadonlySet<string>
  window: TimeWindow
  /** In words, for those who do not see the picture. */
  label: string
  unit?: UnitPair
  /** Key of the series that the legend points at. */
  pointed?: string | null
  onZoom: (from: number, to: number) => void
  onZoomOut: () => void
  /** The moment under the pointer as an index into the frame's times, at most once a frame. */
  onCursor?: (index: number | null) => void
  /** A click on a line: its index in the frame. */
  onPick?: (series: number, at: { x: number; y: number }) => void
}

interface Size {
  width: number
  height: number
}

/** The painted plot of a graph's element, for export. */
export const plotOf = new WeakMap<HTMLElement, uPlot>()

function useSize(target: RefObject<HTMLElement | null>): Size {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 })
  useLayoutEffect(() => {
    const node = target.current
    if (!node) return undefined
    const read = () => setSize({ width: Math.floor(node.clientWidth), height: Math.floor(node.clientHeight) })
    read()
    const observer = new ResizeObserver(read)
    observer.observe(node)
    return () => observer.disconnect()
  }, [target])
  return size
}

/** Index of the frame's time that a drawn time stands for. */
function frameIndex(frame: Frame, time: number): number {
  let low = 0
  let high = frame.times.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((frame.times[middle] ?? 0) <= time) low = middle
    else high = middle - 1
  }
  return low
}

export function Plot(props: PlotProps) {
  const { frame, style, hidden, window: shown, label } = props
  const host = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const live = useRef<PlotInput | null>(null)
  const theme = useTheme()
  const size = useSize(host)
  const width = size.width
  const plan = useMemo(() => planOf(frame, style, hidden, width), [frame, style, hidden, width])
  const { unit } = props
  // What a running plot reads through handlers; it must not be rebuilt for these.
  const latest = useRef({ props, plan, focused: null as number | null, pan: null as [number, number] | null })
  useLayoutEffect(() => {
    latest.current.props = props
    latest.current.plan = plan
  })

  const shape = useMemo(
    () =>
      JSON.stringify([
        plan.order.map((at) => [frame.series[at]?.key, frame.series[at]?.color]),
        style,
        plan.stacked,
        unit,
        plan.axisOf,
        plan.axes.map((axis) => unitName(axis.unit)),
      ]),
    [plan, frame, style, unit],
  )
  const ready = size.width > 0 && size.height > 0
  useEffect(() => {
    const node = host.current
    if (!node || !ready) return undefined
    const { plan: current, props: now } = latest.current
    const box = { width: node.clientWidth, height: node.clientHeight }
    const input = { plan: current, frame: now.frame, unit, fromZero: now.style.fromZero, theme, ...box }
    const tooltip = new TooltipBox()
    const made = new uPlot(optionsOf(input, handlersFor(latest, tooltip)), dataOf(current), node)
    plot.current = made
    live.current = input
    plotOf.set(node, made)
    const stop = listenForLeave(made, latest, tooltip)
    const picks = listenForPick(made, latest)
    void document.fonts.ready.then(() => plot.current === made && made.redraw(false, true))
    return () => {
      stop()
      picks()
      tooltip.remove()
      made.destroy()
      plot.current = null
      plotOf.delete(node)
    }
  }, [shape, theme, ready, unit])

  useEffect(() => {
    if (!live.current || !plot.current) return
    live.current.plan = plan
    live.current.frame = frame
    latest.current.pan = null
    plot.current.setData(dataOf(plan))
  }, [plan, frame, shown.from, shown.to])

  useEffect(() => {
    if (ready) plot.current?.setSize(size)
  }, [size, ready])

  const { pointed } = props
  useEffect(() => {
    if (pointed === undefined || !plot.current) return
    const row = plan.order.findIndex((at) => frame.series[at]?.key === pointed)
    // The library's types lack null, which takes the focus away.
    plot.current.setSeries((row < 0 ? null : row + 1) as number, { focus: true })
  }, [pointed, plan, frame])

  const walk = (event: KeyboardEvent<HTMLDivElement>) => {
    if (plot.current && walkCursor(plot.current, event)) event.preventDefault()
  }
  return (
    // The picture takes the keyboard so that its values can be walked through without a pointer.
    <div
      ref={host}
      className={css.plot}
      role="img"
      aria-label={label}
      tabIndex={0}
      onKeyDown={walk}
      onBlur={() => plot.current?.setCursor({ left: -10, top: -10 })}
    />
  )
}

/** Points that Page up and Page down jump over. */
const LEAP = 10

/** Arrow keys move the crosshair from point to point. */
function walkCursor(plot: uPlot, event: KeyboardEvent): boolean {
  const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, PageUp: -LEAP, PageDown: LEAP }
  const step = steps[event.key]
  const times = plot.data[0]
  if (step === undefined || times.length === 0) return false
  const here = (plot.cursor.left ?? -1) >= 0 ? (plot.cursor.idx ?? 0) : times.length - 1 - Math.max(step, 0)
  const next = Math.min(Math.max(here + step, 0), times.length - 1)
  plot.setCursor({ left: plot.valToPos(times[next] ?? 0, 'x'), top: plot.over.clientHeight / 2 })
  return true
}

interface Latest {
  props: PlotProps
  plan: Plan
  focused: number | null
  pan: [number, number] | null
}

function handlersFor(latest: RefObject<Latest>, tooltip: TooltipBox) {
  let frameRequest = 0
  return {
    window: (): [number, number] => {
      const { pan, props } = latest.current
      return pan ?? [props.window.from, props.window.to]
    },
    onSelect: (from: number, to: number) => latest.current.props.onZoom(from, to),
    onZoomOut: () => latest.current.props.onZoomOut(),
    onPan: (event: MouseEvent, plot: uPlot) => startPan(event, plot, latest),
    onFocus: (row: number | null) => {
      const { plan } = latest.current
      latest.current.focused = row === null ? null : (plan.order[row] ?? null)
    },
    onCursor: (plot: uPlot) => {
      cancelAnimationFrame(frameRequest)
      frameRequest = requestAnimationFrame(() => pointAt(plot, latest.current, tooltip))
    },
  }
}

/** Legend and tooltip follow the pointer; on the other graphs of the page only the legend does. */
function pointAt(plot: uPlot, { props, plan, focused }: Latest, tooltip: TooltipBox): void {
  const { idx, left } = plot.cursor
  const time = typeof idx === 'number' && (left ?? -1) >= 0 ? plan.times[idx] : undefined
  if (time === undefined) {
    props.onCursor?.(null)
    tooltip.hide()
    return
  }
  const index = frameIndex(props.frame, time)
  props.onCursor?.(index)
  const pointer = pointerOf(plot)
  if (!pointer) {
    tooltip.hide()
    return
  }
  const exact = props.frame.times[index] === time
  const content = { time, frame: props.frame, index, visible: exact ? plan.order : [], focused }
  tooltip.show(content, pointer)
}

/** Where the box goes: beside the mouse, or beside the crosshair that the keyboard moves; nowhere for other graphs. */
function pointerOf(plot: uPlot): { x: number; y: number } | undefined {
  const { event, left } = plot.cursor
  if (event && plot.over.matches(':hover')) return { x: event.clientX, y: event.clientY }
  if (!plot.root.parentElement?.matches(':focus')) return undefined
  const box = plot.over.getBoundingClientRect()
  return { x: box.left + (left ?? 0), y: box.top + box.height / 2 }
}

function listenForLeave(plot: uPlot, latest: RefObject<Latest>, tooltip: TooltipBox): () => void {
  const leave = () => {
    tooltip.hide()
    latest.current.props.onCursor?.(null)
  }
  plot.over.addEventListener('mouseleave', leave)
  addEventListener('scroll', leave, { capture: true, passive: true })
  return () => {
    plot.over.removeEventListener('mouseleave', leave)
    removeEventListener('scroll', leave, { capture: true })
  }
}

/** Longer than a double click takes, in ms: a single click waits so that zooming out does not open a menu. */
const CLICK_WAIT_MS = 240

function listenForPick(plot: uPlot, latest: RefObject<Latest>): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const click = (event: MouseEvent) => {
    clearTimeout(timer)
    const { focused } = latest.current
    if (event.detail !== 1 || focused === null || event.altKey) return
    timer = setTimeout(
      () => latest.current.props.onPick?.(focused, { x: event.clientX, y: event.clientY }),
      CLICK_WAIT_MS,
    )
  }
  plot.over.addEventListener('click', click)
  return () => {
    clearTimeout(timer)
    plot.over.removeEventListener('click', click)
  }
}

function startPan(event: MouseEvent, plot: uPlot, latest: RefObject<Latest>): void {
  const { from, to } = latest.current.props.window
  const perPixel = (to - from) / plot.over.clientWidth
  const move = (moved: MouseEvent) => {
    const shift = (event.clientX - moved.clientX) * perPixel
    latest.current.pan = [from + shift, to + shift]
    plot.setScale('x', { min: from + shift, max: to + shift })
  }
  const up = () => {
    removeEventListener('mousemove', move)
    removeEventListener('mouseup', up)
    const { pan, props } = latest.current
    if (pan && pan[0] !== from) props.onZoom(pan[0], pan[1])
  }
  addEventListener('mousemove', move)
  addEventListener('mouseup', up)
}
