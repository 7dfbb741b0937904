// Where every hexagon of the host map lies: hosts in honeycombs, honeycombs in boxes per group, boxes in shelves, and
// all of it as large as the room allows. Pure geometry in CSS px.

import { groupBy } from '@/ui/group-by'

export interface Entry {
  /** Index of the host; one that belongs to several groups has several entries. */
  host: number
  /** Names of its groups, outermost first; as many for every entry. */
  path: readonly string[]
}

export interface Hex {
  host: number
  /** Centre. */
  x: number
  y: number
}

export interface Box {
  title: string
  count: number
  x: number
  y: number
  width: number
  height: number
  /** 0 is the outermost. */
  level: number
}

export interface MapLayout {
  hexes: Hex[]
  boxes: Box[]
  /** From the centre of a hexagon to a corner. */
  radius: number
  width: number
  height: number
}

const MAX_RADIUS = 58
/** Smaller ones can be neither seen nor hit; the map scrolls instead. */
const MIN_RADIUS = 6
const RADIUS_STEP = 0.5
const TITLE_HEIGHT = 22
const PADDING = 8
const GAP = 10
/** Room for a few letters of a title. */
const MIN_BOX_WIDTH = 64
/** How much wider than high honeycombs and the shelves around them may be; what leaves the largest hexagons is taken. */
const SHAPES: readonly Shape[] = [1.5, 2.5].flatMap((comb) =>
  [1.5, 1, 0.7, 2.2, 3.5].map((shelf) => ({ comb, shelf })),
)
const ROOT_3 = Math.sqrt(3)

interface Group {
  title: string
  count: number
  children: Group[]
  entries: Entry[]
}

function grouped(entries: readonly Entry[], level: number, depth: number): Group[] {
  const byTitle = groupBy(entries, (entry) => entry.path[level] ?? '')
  return [...byTitle]
    .sort(([left], [right]) => left.localeCompare(right, 'en', { numeric: true }))
    .map(([title, inside]) => {
      const leaf = level + 1 >= depth
      return {
        title,
        count: new Set(inside.map(({ host }) => host)).size,
        children: leaf ? [] : grouped(inside, level + 1, depth),
        entries: leaf ? inside : [],
      }
    })
}

interface Placed {
  group: Group
  x: number
  y: number
  width: number
  height: number
  columns: number
  children: Placed[]
}

/** Columns of a honeycomb of `count` in about this shape, within `width`. */
export function honeycombColumns(count: number, radius: number, width: number, aspect: number): number {
  const wish = Math.ceil(Math.sqrt((count * aspect * 1.5) / ROOT_3))
  const fit = Math.floor((width - (ROOT_3 * radius) / 2) / (ROOT_3 * radius))
  return Math.max(1, Math.min(count, wish, fit))
}

function honeycombSize(count: number, columns: number, radius: number): { width: number; height: number } {
  const rows = Math.ceil(count / columns)
  return {
    width: (columns + (rows > 1 ? 0.5 : 0)) * ROOT_3 * radius,
    height: (rows - 1) * 1.5 * radius + 2 * radius,
  }
}

interface Shape {
  comb: number
  shelf: number
}

interface Frame {
  title: number
  padding: number
}

const framed: Frame = { title: TITLE_HEIGHT, padding: PADDING }
const bare: Frame = { title: 0, padding: 0 }

function measure(group: Group, radius: number, width: number, shape: Shape, frame: Frame): Placed {
  const inner = width - 2 * frame.padding
  if (group.children.length === 0) {
    const columns = honeycombColumns(group.entries.length, radius, inner, shape.comb)
    const size = honeycombSize(group.entries.length, columns, radius)
    return box(group, size.width, size.height, frame, columns, [])
  }
  const children = group.children.map((child) => measure(child, radius, inner, shape, framed))
  const area = children.reduce((sum, child) => sum + (child.width + GAP) * (child.height + GAP), 0)
  const widest = Math.max(...children.map((child) => child.width))
  const shelf = Math.min(inner, Math.max(widest, Math.sqrt(area * shape.shelf)))
  const size = shelve(children, shelf)
  return box(group, size.width, size.height, frame, 0, children)
}

function box(
  group: Group,
  width: number,
  height: number,
  frame: Frame,
  columns: number,
  children: Placed[],
): Placed {
  const full = { width: width + 2 * frame.padding, height: height + 2 * frame.padding + frame.title }
  return {
    group,
    x: 0,
    y: 0,
    columns,
    children,
    ...full,
    width: Math.max(full.width, frame.title > 0 ? MIN_BOX_WIDTH : 0),
  }
}

/** Puts boxes side by side in rows of at most this width. */
function shelve(boxes: Placed[], width: number): { width: number; height: number } {
  let x = 0
  let y = 0
  let rowHeight = 0
  let used = 0
  for (const placed of boxes) {
    if (x > 0 && x + placed.width > width) {
      x = 0
      y += rowHeight + GAP
      rowHeight = 0
    }
    placed.x = x
    placed.y = y
    x += placed.width + GAP
    rowHeight = Math.max(rowHeight, placed.height)
    used = Math.max(used, x - GAP)
  }
  return { width: used, height: y + rowHeight }
}

interface Room {
  width: number
  height: number
  /** Without groups: no boxes, one honeycomb. */
  plain: boolean
}

interface Arranged {
  radius: number
  boxes: Placed[]
  width: number
  height: number
}

function arranged(groups: readonly Group[], radius: number, shape: Shape, { width, plain }: Room): Arranged {
  const boxes = groups.map((group) => measure(group, radius, width, shape, plain ? bare : framed))
  return { radius, boxes, ...shelve(boxes, width) }
}

/** The largest hexagons of this shape that fit, by halving; the smallest ones when none do. */
function fitted(groups: readonly Group[], shape: Shape, room: Room): Arranged {
  let low = 0
  let high = Math.round((MAX_RADIUS - MIN_RADIUS) / RADIUS_STEP)
  let best = arranged(groups, MIN_RADIUS, shape, room)
  while (low <= high) {
    const middle = (low + high) >> 1
    const tried = arranged(groups, MIN_RADIUS + middle * RADIUS_STEP, shape, room)
    if (tried.height <= room.height && tried.width <= room.width) {
      best = tried
      low = middle + 1
    } else high = middle - 1
  }
  return best
}

function better(one: Arranged, other: Arranged): Arranged {
  if (one.radius !== other.radius) return one.radius > other.radius ? one : other
  return other.height < one.height ? other : one
}

function collect(placed: Placed, x: number, y: number, level: number, frame: Frame, out: MapLayout): void {
  const left = x + placed.x
  const top = y + placed.y
  const { title, count } = placed.group
  if (frame.title > 0) {
    out.boxes.push({ title, count, x: left, y: top, width: placed.width, height: placed.height, level })
  }
  const innerLeft = left + frame.padding
  const innerTop = top + frame.padding + frame.title
  for (const child of placed.children) collect(child, innerLeft, innerTop, level + 1, framed, out)
  placed.group.entries.forEach(({ host }, index) => {
    const row = Math.floor(index / placed.columns)
    const column = index % placed.columns
    const shift = row % 2 === 0 ? 0.5 : 1
    out.hexes.push({
      host,
      x: innerLeft + (column + shift) * ROOT_3 * out.radius,
      y: innerTop + row * 1.5 * out.radius + out.radius,
    })
  })
}

/** `depth` is how many tags the map is grouped by. */
export function layoutMap(
  entries: readonly Entry[],
  depth: number,
  width: number,
  height: number,
): MapLayout {
  const empty: MapLayout = { hexes: [], boxes: [], radius: MIN_RADIUS, width, height }
  if (entries.length === 0 || width <= 0) return empty
  const groups = grouped(entries, 0, Math.max(1, depth))
  const plain = depth === 0
  const room = { width, height, plain }
  const shapes = plain ? [{ comb: width / Math.max(1, height), shelf: 1 }] : SHAPES
  const found = shapes.map((shape) => fitted(groups, shape, room)).reduce(better)
  const out: MapLayout = { ...empty, radius: found.radius, height: found.height }
  for (const placed of found.boxes) collect(placed, 0, 0, 0, plain ? bare : framed, out)
  return out
}

/** Index of the hexagon at a point, or -1. */
export function hexAt({ hexes, radius }: MapLayout, x: number, y: number): number {
  // The circle inside a hexagon is near enough, and no two overlap.
  const reach = (radius * ROOT_3) / 2
  return hexes.findIndex((hex) => (hex.x - x) ** 2 + (hex.y - y) ** 2 <= reach ** 2)
}

const DIRECTIONS: Record<string, readonly [dx: number, dy: number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
}

/** The hexagon that an arrow key leads to: the nearest one in that direction, straight ones preferred. */
export function hexToward({ hexes }: MapLayout, from: number, key: string): number {
  const direction = DIRECTIONS[key]
  const start = hexes[from]
  if (!direction || !start) return from
  const [dx, dy] = direction
  let best = from
  let least = Infinity
  hexes.forEach((hex, index) => {
    const along = (hex.x - start.x) * dx + (hex.y - start.y) * dy
    const across = Math.abs((hex.x - start.x) * dy) + Math.abs((hex.y - start.y) * dx)
    if (along < 0.5) return
    const cost = along + 2.5 * across
    if (cost < least) {
      least = cost
      best = index
    }
  })
  return best
}
