import { expect, test } from 'vitest'
import { hexAt, hexToward, honeycombColumns, layoutMap } from './layout'
import type { Entry, MapLayout } from './layout'

const entries = (count: number, path: (index: number) => string[] = () => []): Entry[] =>
  Array.from({ length: count }, (_, host) => ({ host, path: path(host) }))

function overlaps({ hexes, radius }: MapLayout): number {
  const least = (radius * Math.sqrt(3)) ** 2 - 0.01
  let found = 0
  hexes.forEach((one, index) => {
    for (const other of hexes.slice(index + 1)) {
      if ((one.x - other.x) ** 2 + (one.y - other.y) ** 2 < least) found += 1
    }
  })
  return found
}

test.each([
  [1, 0],
  [30, 0],
  [30, 1],
  [2000, 0],
  [400, 2],
])('%i hosts under %i groups lie within the room and do not overlap', (count, depth) => {
  const path = (index: number) => [`env:${index % 3}`, `role:${index % 7}`].slice(0, depth)
  const layout = layoutMap(entries(count, path), depth, 1200, 700)
  expect(layout.hexes).toHaveLength(count)
  expect(overlaps(layout)).toBe(0)
  expect(layout.height).toBeLessThanOrEqual(700)
  const reach = (layout.radius * Math.sqrt(3)) / 2
  for (const { x, y } of layout.hexes) {
    expect(x - reach).toBeGreaterThanOrEqual(-0.01)
    expect(x + reach).toBeLessThanOrEqual(1200.01)
    expect(y - layout.radius).toBeGreaterThanOrEqual(-0.01)
  }
})

test('one host is large, not huge', () => {
  expect(layoutMap(entries(1), 0, 1200, 700).radius).toBe(58)
})

test('more than there is room for scrolls', () => {
  const layout = layoutMap(entries(5000), 0, 360, 300)
  expect(layout.radius).toBe(6)
  expect(layout.height).toBeGreaterThan(300)
})

test('groups are boxes in the order of their names, with their hosts inside', () => {
  const layout = layoutMap(
    entries(12, (index) => [`z-${index % 3}`, `role-${index % 2}`]),
    2,
    900,
    600,
  )
  const outer = layout.boxes.filter(({ level }) => level === 0)
  expect(outer.map(({ title, count }) => [title, count])).toEqual([
    ['z-0', 4],
    ['z-1', 4],
    ['z-2', 4],
  ])
  for (const { x, y } of layout.hexes) {
    const around = layout.boxes.filter(
      (box) => x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height,
    )
    expect(around.map(({ level }) => level)).toEqual([0, 1])
  }
})

test('nothing to show is no layout', () => {
  expect(layoutMap([], 1, 900, 600).hexes).toEqual([])
  expect(layoutMap(entries(3), 0, 0, 0).hexes).toEqual([])
})

test('a honeycomb has at least one column and no more than hosts', () => {
  expect(honeycombColumns(100, 40, 10, 1)).toBe(1)
  expect(honeycombColumns(2, 10, 1000, 5)).toBe(2)
})

test('the pointer finds hexagons', () => {
  const layout = layoutMap(entries(30), 0, 800, 400)
  const [first] = layout.hexes
  expect(hexAt(layout, first?.x ?? 0, first?.y ?? 0)).toBe(0)
  expect(hexAt(layout, -50, -50)).toBe(-1)
})

test('arrow keys walk to neighbours and stop at the edge', () => {
  const layout = layoutMap(entries(30), 0, 800, 400)
  expect(hexToward(layout, 0, 'ArrowRight')).toBe(1)
  expect(hexToward(layout, 1, 'ArrowLeft')).toBe(0)
  expect(hexToward(layout, 0, 'ArrowUp')).toBe(0)
  const below = hexToward(layout, 0, 'ArrowDown')
  expect(layout.hexes[below]?.y).toBeGreaterThan(layout.hexes[0]?.y ?? 0)
  expect(hexToward(layout, 0, 'x')).toBe(0)
})
