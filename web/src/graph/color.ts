// Which colour a series has: by a stable hash of its group, so that `host:a` looks the same on every graph.
import { SERIES_COLORS } from '@/tokens'

/** FNV-1a over UTF-16 units, 32 bits. */
export function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    value ^= text.charCodeAt(index)
    value = Math.imul(value, 0x01000193)
  }
  // The low bits of FNV mix poorly for short texts; fold the high ones in.
  return (value ^ (value >>> 15)) >>> 0
}

export function colorOf(group: string): string {
  return SERIES_COLORS[hash(group) % SERIES_COLORS.length] ?? '#5b7cfa'
}

function channel(hex: string, at: number): number {
  return parseInt(hex.slice(at, at + 2), 16)
}

/** Towards white (positive) or black (negative) by a share of the way. */
export function shade(hex: string, share: number): string {
  const goal = share > 0 ? 255 : 0
  const mixed = [1, 3, 5].map((at) =>
    Math.round(channel(hex, at) + (goal - channel(hex, at)) * Math.abs(share)),
  )
  return `#${mixed.map((value) => value.toString(16).padStart(2, '0')).join('')}`
}

/** How the second, third, … series of one hue differ from the first. */
const SHADES = [0, 0.38, -0.32, 0.6, -0.5]

export interface Named {
  /** `host:a`; empty for a series without a group. */
  group: string
  label: string
}

/**
 * Colours for the series of one graph. A group always has its own hue, and a shade where two groups share one;
 * series without a group have no hue to keep and take the next free one.
 */
export function colorsFor(series: readonly Named[]): string[] {
  const used = new Map<string, number>()
  const chosen = new Map<string, string>()
  const groups = new Set(series.map(({ group }) => group).filter((group) => group !== ''))
  for (const group of [...groups].sort()) {
    const hue = colorOf(group)
    const turn = used.get(hue) ?? 0
    used.set(hue, turn + 1)
    chosen.set(group, shade(hue, SHADES[turn % SHADES.length] ?? 0))
  }
  return series.map(({ group, label }) => chosen.get(group) ?? freeHue(label, used))
}

function freeHue(label: string, used: Map<string, number>): string {
  const start = hash(label) % SERIES_COLORS.length
  const order = SERIES_COLORS.map((_, index) => SERIES_COLORS[(start + index) % SERIES_COLORS.length] ?? '')
  const hue = order.find((candidate) => !used.has(candidate)) ?? colorOf(label)
  used.set(hue, (used.get(hue) ?? 0) + 1)
  return hue
}
