// The map itself: a canvas that keeps its size, its theme and its pointer, and that arrow keys can walk.
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import type { KeyboardEvent, MouseEvent, ReactNode, RefObject } from 'react'
import { useTheme } from '@/theme'
import { hexAt, hexToward, layoutMap } from './layout'
import type { Entry, MapLayout } from './layout'
import { paint } from './paint'
import type { HostLook } from './paint'
import css from './map.module.css'

export interface MapCanvasProps {
  entries: readonly Entry[]
  /** How many tags the entries are grouped by. */
  depth: number
  looks: readonly HostLook[]
  /** Index of the host whose panel is open, -1 for none. */
  open: number
  onOpen: (host: number) => void
  /** What is said of a host, to the eye and to the ear. */
  describe: (host: number) => { text: string; card: ReactNode }
}

interface Size {
  width: number
  height: number
}

function useRoom(target: RefObject<HTMLElement | null>): Size {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 })
  useLayoutEffect(() => {
    const node = target.current
    if (!node) return undefined
    const observer = new ResizeObserver(() => setSize({ width: node.clientWidth, height: node.clientHeight }))
    observer.observe(node)
    setSize({ width: node.clientWidth, height: node.clientHeight })
    return () => observer.disconnect()
  }, [target])
  return size
}

const ARROWS = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown']

export function MapCanvas({ entries, depth, looks, open, onOpen, describe }: MapCanvasProps) {
  const room = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const { width, height } = useRoom(room)
  const theme = useTheme()
  const [pointed, setPointed] = useState(-1)
  const [byKey, setByKey] = useState(false)
  const layout = useMemo(() => layoutMap(entries, depth, width, height), [entries, depth, width, height])
  const at = pointed < layout.hexes.length ? pointed : -1
  usePainting(canvas, { layout, looks, theme, pointed: at, open })

  const hexUnder = (event: MouseEvent) => {
    const box = event.currentTarget.getBoundingClientRect()
    return hexAt(layout, event.clientX - box.left, event.clientY - box.top)
  }
  const onMove = (event: MouseEvent) => {
    setPointed(hexUnder(event))
    setByKey(false)
  }
  const onClick = (event: MouseEvent) => {
    const host = layout.hexes[hexUnder(event)]?.host
    if (host !== undefined) onOpen(host)
  }
  const onKey = (event: KeyboardEvent) => {
    const host = layout.hexes[at]?.host
    if (ARROWS.includes(event.key)) setPointed(at < 0 ? 0 : hexToward(layout, at, event.key))
    else if (event.key === 'Home') setPointed(0)
    else if (event.key === 'End') setPointed(layout.hexes.length - 1)
    else if ((event.key === 'Enter' || event.key === ' ') && host !== undefined) onOpen(host)
    else return
    event.preventDefault()
    event.stopPropagation()
    setByKey(true)
  }
  useEffect(() => {
    const hex = byKey ? layout.hexes[at] : undefined
    const node = room.current
    if (!hex || !node) return
    if (hex.y - layout.radius < node.scrollTop) node.scrollTop = hex.y - layout.radius
    if (hex.y + layout.radius > node.scrollTop + node.clientHeight) {
      node.scrollTop = hex.y + layout.radius - node.clientHeight
    }
  }, [at, byKey, layout])

  const hex = layout.hexes[at]
  const said = hex && describe(hex.host)
  return (
    <div
      ref={room}
      className={css.room}
      role="application"
      aria-label={`Host map of ${new Set(entries.map(({ host }) => host)).size} hosts. Arrow keys move, Enter opens.`}
      tabIndex={0}
      onKeyDown={onKey}
      onBlur={() => setPointed(-1)}
    >
      <div
        className={css.sheet}
        style={{ height: layout.height }}
        data-pointing={hex !== undefined}
        onMouseMove={onMove}
        onMouseLeave={() => setPointed(-1)}
        onClick={onClick}
      >
        <canvas ref={canvas} className={css.canvas} aria-hidden />
        {hex && said && (
          <HoverCard layout={layout} hex={hex}>
            {said.card}
          </HoverCard>
        )}
      </div>
      <p className="visually-hidden" aria-live="polite">
        {byKey && said ? said.text : ''}
      </p>
    </div>
  )
}

type Painting = Parameters<typeof paint>[1]

function usePainting(canvas: RefObject<HTMLCanvasElement | null>, picture: Painting): void {
  const { layout, looks, theme, pointed, open } = picture
  const draw = useCallback(() => {
    const node = canvas.current
    const context = node?.getContext('2d')
    if (!node || !context) return
    const ratio = window.devicePixelRatio || 1
    const wide = Math.round(layout.width * ratio)
    const high = Math.round(layout.height * ratio)
    if (node.width !== wide || node.height !== high) {
      node.width = wide
      node.height = high
      node.style.width = `${layout.width}px`
      node.style.height = `${layout.height}px`
    }
    paint(context, { layout, looks, theme, pointed, open }, ratio)
  }, [canvas, layout, looks, theme, pointed, open])
  useLayoutEffect(draw, [draw])
  useEffect(() => {
    let current = true
    // Words drawn before the page's font had arrived are in another one.
    void document.fonts.ready.then(() => current && draw())
    return () => {
      current = false
    }
  }, [draw])
}

const CARD_WIDTH = 260

function HoverCard({
  layout,
  hex,
  children,
}: {
  layout: MapLayout
  hex: { x: number; y: number }
  children: ReactNode
}) {
  const right = hex.x + layout.radius + 8
  const beside =
    right + CARD_WIDTH <= layout.width ? right : Math.max(0, hex.x - layout.radius - 8 - CARD_WIDTH)
  const low = hex.y > layout.height / 2
  const style = low ? { left: beside, bottom: layout.height - hex.y - 16 } : { left: beside, top: hex.y - 16 }
  return (
    <div className={css.hover} style={{ ...style, width: CARD_WIDTH }} aria-hidden>
      {children}
    </div>
  )
}
