// Paints the host map on a canvas.
import { color, FONT_SANS } from '@/tokens'
import type { ThemeName } from '@/tokens'
import type { Box, MapLayout } from './layout'
import { ON_FILL } from './palette'

/** How one host looks. */
export interface HostLook {
  name: string
  /** `undefined`: the metric says nothing about it. */
  fill: string | undefined
  /** Share of the full radius. */
  size: number
  value: string
  down: boolean
  muted: boolean
}

export interface Picture {
  layout: MapLayout
  looks: readonly HostLook[]
  theme: ThemeName
  /** Index of the hexagon under the pointer or the keyboard; -1 for none. */
  pointed: number
  /** Index of the host whose panel is open; -1 for none. */
  open: number
}

/** Between neighbours, in px. */
const SEAM = 1.5
const VALUE_RADIUS = 20
const NAME_RADIUS = 34
const CORNERS = Array.from({ length: 6 }, (_, index) => {
  const angle = (Math.PI / 3) * index - Math.PI / 2
  return [Math.cos(angle), Math.sin(angle)] as const
})

function hexPath(context: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath()
  CORNERS.forEach(([cos, sin], index) => {
    if (index === 0) context.moveTo(x + cos * radius, y + sin * radius)
    else context.lineTo(x + cos * radius, y + sin * radius)
  })
  context.closePath()
}

/** Cut to fit, with an ellipsis. */
function fitted(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text
  let low = 0
  let high = text.length
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (context.measureText(`${text.slice(0, middle)}…`).width <= width) low = middle
    else high = middle - 1
  }
  return low > 0 ? `${text.slice(0, low)}…` : ''
}

function paintBox(context: CanvasRenderingContext2D, box: Box, theme: ThemeName): void {
  context.beginPath()
  context.roundRect(box.x + 0.5, box.y + 0.5, box.width - 1, box.height - 1, 6)
  context.fillStyle = color(box.level === 0 ? 'surface-1' : 'surface-0', theme)
  context.fill()
  context.strokeStyle = color('line', theme)
  context.lineWidth = 1
  context.stroke()
  context.textAlign = 'left'
  context.textBaseline = 'middle'
  context.font = `600 11px ${FONT_SANS}`
  const count = ` ${box.count}`
  const room = box.width - 16 - context.measureText(count).width
  const title = fitted(context, box.title, room)
  context.fillStyle = color('text', theme)
  context.fillText(title, box.x + 8, box.y + 14)
  context.fillStyle = color('text-2', theme)
  context.fillText(count, box.x + 8 + context.measureText(title).width, box.y + 14)
}

/** Down is a cross, muted a bar: no state by colour alone. */
function paintMarks(
  context: CanvasRenderingContext2D,
  look: HostLook,
  x: number,
  y: number,
  radius: number,
  theme: ThemeName,
) {
  const arm = radius * 0.42
  context.lineWidth = Math.max(1.5, radius * 0.1)
  if (look.down) {
    hexPath(context, x, y, radius - context.lineWidth / 2)
    context.strokeStyle = color('alert', theme)
    context.stroke()
    const lift = radius >= VALUE_RADIUS ? radius * 0.52 : 0
    const reach = radius >= VALUE_RADIUS ? radius * 0.16 : arm
    context.beginPath()
    context.moveTo(x - reach, y - lift - reach)
    context.lineTo(x + reach, y - lift + reach)
    context.moveTo(x + reach, y - lift - reach)
    context.lineTo(x - reach, y - lift + reach)
    context.stroke()
  } else if (look.muted) {
    const drop = radius >= VALUE_RADIUS ? radius * 0.55 : 0
    context.strokeStyle = look.fill ? ON_FILL : color('text', theme)
    context.beginPath()
    context.moveTo(x - arm, y + drop)
    context.lineTo(x + arm, y + drop)
    context.stroke()
  }
}

function paintHex(
  context: CanvasRenderingContext2D,
  look: HostLook,
  x: number,
  y: number,
  full: number,
  theme: ThemeName,
): void {
  const radius = Math.max(1, (full - SEAM) * look.size)
  hexPath(context, x, y, radius)
  if (look.fill) {
    context.fillStyle = look.fill
    context.fill()
  } else {
    context.fillStyle = color('hover', theme)
    context.fill()
    context.strokeStyle = color('no-data', theme)
    context.lineWidth = 1
    context.setLineDash(radius > 10 ? [3, 3] : [])
    context.stroke()
    context.setLineDash([])
  }
  if (look.down || look.muted) paintMarks(context, look, x, y, radius, theme)
  if (radius < VALUE_RADIUS) return
  context.textAlign = 'center'
  context.textBaseline = 'middle'
  context.fillStyle = look.fill ? ON_FILL : color('text-2', theme)
  const named = radius >= NAME_RADIUS
  context.font = `600 12px ${FONT_SANS}`
  context.fillText(fitted(context, look.value, radius * 1.5), x, named ? y - 6 : y)
  if (!named) return
  context.font = `11px ${FONT_SANS}`
  context.fillText(fitted(context, look.name, radius * 1.5), x, y + 9)
}

function ring(
  context: CanvasRenderingContext2D,
  { layout, theme }: Picture,
  index: number,
  width: number,
  token: 'text' | 'accent',
) {
  const hex = layout.hexes[index]
  if (!hex) return
  hexPath(context, hex.x, hex.y, layout.radius - SEAM + 1)
  context.strokeStyle = color(token, theme)
  context.lineWidth = width
  context.stroke()
}

export function paint(context: CanvasRenderingContext2D, picture: Picture, ratio: number): void {
  const { layout, looks, theme } = picture
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.clearRect(0, 0, layout.width, layout.height + layout.radius)
  for (const box of layout.boxes) paintBox(context, box, theme)
  for (const { host, x, y } of layout.hexes) {
    const look = looks[host]
    if (look) paintHex(context, look, x, y, layout.radius, theme)
  }
  layout.hexes.forEach(({ host }, index) => {
    if (host === picture.open) ring(context, picture, index, 3, 'accent')
  })
  ring(context, picture, picture.pointed, 2, 'text')
}
