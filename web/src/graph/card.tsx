// A graph on a page: title, picture, legend, menu, full screen, and the four states (loading, error, empty, data).
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useId, useMemo, useRef, useState } from 'react'
import type { ReactNode } from 'react'
import type { UnitPair } from '@/api/types'
import { useShortcut } from '@/keyboard'
import { diagnose } from '@/query/diagnose'
import { useTimeRange, useTimeWindow } from '@/time'
import type { TimeWindow } from '@/time'
import { Button, cx, ErrorNote, ProgressBar } from '@/ui'
import { previousWindow, withPrevious } from './compare'
import type { Frame } from './frame'
import css from './graph.module.css'
import { autoInterval } from './interval'
import { LegendRow, LegendTable } from './legend'
import { GraphMenu } from './menu'
import { DEFAULT_STYLE, MAX_DRAWN } from './plan'
import type { GraphStyle } from './plan'
import { Plot } from './plot'
import { SeriesMenu } from './series-menu'
import type { SeriesAction } from './series-menu'
import { useFrame } from './use-frame'
import type { FrameState, PartRequest } from './use-frame'
import { useInView } from './use-in-view'
import { useShiftHeld } from './use-shift-held'

const GraphFullScreen = lazy(() =>
  import('./full-screen').then((module) => ({ default: module.GraphFullScreen })),
)

export type LegendKind = 'table' | 'row' | 'none'

export interface GraphCardProps {
  title: string
  parts: readonly PartRequest[]
  style?: Partial<GraphStyle>
  legend?: LegendKind
  /** Of the table: CSS px or any CSS length. */
  legendHeight?: number | string
  /** Of the plotting area: CSS px or any CSS length. */
  height?: number | string
  /** Bucket in ms; without it the server chooses, for bars the page does. */
  interval?: number
  /** Overrides the unit of the axis. */
  unit?: UnitPair
  /** What a click on a series offers besides showing it alone. */
  seriesActions?: (tags: string[], source: string) => SeriesAction[]
  /** Replaces the query when an empty graph offers something near it. */
  onReplace?: (query: string) => void
  /** Called when errors come or go, for pages that show them beside the query; the graph then keeps quiet. */
  onErrors?: (errors: FrameState['errors']) => void
  actions?: ReactNode
  className?: string
}

export function GraphCard(props: GraphCardProps) {
  const { title, parts, legend = 'row', height = 200, actions, className } = props
  const card = useRef<HTMLElement>(null)
  const [hovered, setHovered] = useState(false)
  const view = useGraphView(props, useInView(card), hovered)
  const [full, setFull] = useState(false)
  const headingId = useId()
  useReportedErrors(view.state.errors, props.onErrors)
  return (
    <section
      ref={card}
      className={cx(css.card, className)}
      aria-labelledby={headingId}
      onMouseEnter={() => setHovered(true)}
      onMouseLeave={() => setHovered(false)}
    >
      <div className={css.head}>
        <h3 id={headingId} className={css.title} title={title}>
          {title}
        </h3>
        {actions}
        <GraphMenu title={title} parts={parts} view={view} root={card} onFullScreen={() => setFull(true)} />
      </div>
      <GraphBody
        title={title}
        view={view}
        height={height}
        parts={parts}
        onReplace={props.onReplace}
        quiet={props.onErrors !== undefined}
      />
      <GraphLegend kind={legend} view={view} maxHeight={props.legendHeight} />
      {hovered && <FullScreenKey onPress={() => setFull(true)} />}
      {full && (
        <Suspense>
          <GraphFullScreen {...props} onClose={() => setFull(false)} />
        </Suspense>
      )}
    </section>
  )
}

function useReportedErrors(errors: FrameState['errors'], report: GraphCardProps['onErrors']): void {
  const latest = useRef({ errors, report })
  useEffect(() => {
    latest.current = { errors, report }
  })
  const text = errors.map(({ name, error }) => `${name} ${error.message}`).join('\n')
  useEffect(() => latest.current.report?.(latest.current.errors), [text])
}

function FullScreenKey({ onPress }: { onPress: () => void }) {
  useShortcut('f', 'Full screen of the graph under the pointer', 'Graphs', onPress)
  return null
}

/** Everything that the parts of one graph share. */
export interface GraphView {
  state: FrameState
  style: GraphStyle
  window: TimeWindow
  unit: UnitPair | undefined
  hidden: ReadonlySet<string>
  setHidden: (hidden: ReadonlySet<string>) => void
  cursor: number | null
  setCursor: (cursor: number | null) => void
  pointed: string | null | undefined
  setPointed: (key: string | null) => void
  seriesActions: GraphCardProps['seriesActions']
}

const NOTHING: ReadonlySet<string> = new Set()

export function useGraphView(props: GraphCardProps, enabled: boolean, hovered: boolean): GraphView {
  const { parts, interval, unit, seriesActions } = props
  const { kind, stacked, fromZero } = { ...DEFAULT_STYLE, ...props.style }
  const style = useMemo(() => ({ kind, stacked, fromZero }), [kind, stacked, fromZero])
  const window = useTimeWindow()
  const [hidden, setHidden] = useState(NOTHING)
  const [cursor, setCursor] = useState<number | null>(null)
  const [pointed, setPointed] = useState<string | null | undefined>(undefined)
  const options = { enabled, interval: interval ?? autoInterval(window.to - window.from, kind) }
  const current = useFrame(parts, window, options)
  const state = useComparison(current, { parts, window, options, style, wanted: hovered })
  return {
    state,
    style,
    window,
    unit,
    hidden,
    setHidden,
    cursor,
    setCursor,
    pointed,
    setPointed,
    seriesActions,
  }
}

interface ComparisonInput {
  parts: readonly PartRequest[]
  window: TimeWindow
  options: { enabled: boolean; interval: number | undefined }
  style: GraphStyle
  wanted: boolean
}

/** While Shift is held over a graph, the period before is drawn with it. */
function useComparison(current: FrameState, input: ComparisonInput): FrameState {
  const { parts, window, options, style, wanted } = input
  const comparing = useShiftHeld(wanted)
  const { from, to } = window
  const earlier = useMemo(() => previousWindow({ from, to }), [from, to])
  const before = useFrame(parts, earlier, { ...options, enabled: options.enabled && comparing }).frame
  const now = current.frame
  const stacked = style.stacked && style.kind !== 'line'
  const frame = useMemo(
    () => (comparing && before.series.length > 0 ? withPrevious(now, before, to - from, stacked) : now),
    [comparing, before, now, to, from, stacked],
  )
  return frame === now ? current : { ...current, frame }
}

export interface GraphBodyProps {
  title: string
  view: GraphView
  parts: readonly PartRequest[]
  /** Without it the body takes the room that there is. */
  height?: number | string
  onReplace?: (query: string) => void
  /** Somebody else shows the errors. */
  quiet?: boolean
}

function summary(title: string, frame: Frame): string {
  const count = frame.series.length
  return `${title}: graph of ${count} series over ${frame.times.length} points in time`
}

export function GraphBody({ title, view, parts, height, onReplace, quiet }: GraphBodyProps) {
  const { state, style, window, hidden, pointed, unit, setCursor } = view
  const { setRange, zoomOut } = useTimeRange()
  const [picked, setPicked] = useState<{ series: number; x: number; y: number } | null>(null)
  const { frame, loading, stale, errors } = state
  const [failure] = errors
  const empty = !loading && !failure && frame.series.length === 0
  return (
    <div className={cx(css.body, stale && css.stale)} style={height ? { height } : undefined}>
      {(loading || stale) && (
        <div className={css.late}>
          <ProgressBar />
        </div>
      )}
      <Plot
        frame={frame}
        style={style}
        hidden={hidden}
        window={window}
        unit={unit}
        pointed={pointed}
        label={summary(title, frame)}
        onZoom={(from, to) => setRange({ kind: 'fixed', from: Math.round(from), to: Math.round(to) })}
        onZoomOut={zoomOut}
        onCursor={setCursor}
        onPick={(series, at) => setPicked({ series, ...at })}
      />
      {failure && !quiet && (
        <div className={frame.series.length > 0 ? css.strip : css.over}>
          <ErrorNote error={failure.error} onRetry={state.retry} />
        </div>
      )}
      {empty && <EmptyGraph parts={parts} onReplace={onReplace} />}
      {picked && <SeriesMenu view={view} picked={picked} onClose={() => setPicked(null)} />}
    </div>
  )
}

export function GraphLegend({
  kind,
  view,
  maxHeight,
}: {
  kind: LegendKind
  view: GraphView
  maxHeight?: number | string
}) {
  const { state, hidden, setHidden, cursor, setPointed } = view
  if (kind === 'none' || state.frame.series.length === 0) return null
  const props = { frame: state.frame, hidden, onHidden: setHidden, cursor, onPoint: setPointed, maxHeight }
  const tooMany = state.frame.series.length - hidden.size > MAX_DRAWN
  return (
    <>
      {tooMany && (
        <p className={css.note}>
          The {MAX_DRAWN} largest of {state.frame.series.length} series are drawn; the table has all of them.
        </p>
      )}
      {kind === 'table' ? <LegendTable {...props} /> : <LegendRow {...props} />}
    </>
  )
}

function EmptyGraph({
  parts,
  onReplace,
}: {
  parts: readonly PartRequest[]
  onReplace?: (query: string) => void
}) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const query = parts[0]?.queries[0]?.query ?? ''
  const reason = useQuery({
    queryKey: ['diagnosis', query],
    queryFn: () => diagnose(query, client),
    enabled: query !== '',
    staleTime: 30_000,
  }).data
  if (!reason) return null
  const use = (next: string) => {
    if (onReplace) onReplace(next)
    else void navigate({ href: `/metrics/explorer?a=${encodeURIComponent(next)}` })
  }
  return (
    <div className={css.over}>
      <p>{reason.text}</p>
      {reason.near.length > 0 && (
        <div className={css.near}>
          {reason.near.map(({ label, query: next }) => (
            <Button key={label} small onClick={() => use(next)}>
              {label}
            </Button>
          ))}
        </div>
      )}
    </div>
  )
}
