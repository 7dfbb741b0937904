// Values with their units: three significant digits and a prefix that fits (`1.23 GiB`, `845 ms`, `12.5%`, `1.2k req/s`).
// The cases in value-cases.json pin the rules, for this page and for whoever else draws the same axes.
import type { Unit, UnitPair } from '@/api/types'

/** How numbers of one unit are written. */
export interface Scale {
  /** What a value is multiplied with before it is written. */
  factor: number
  /** Steps that a prefix stands for; ascending, the first is the smallest. */
  prefixes: readonly { size: number; suffix: string }[]
  /** Follows the suffix: `/s`. */
  per: string
  /** What nice steps between ticks are multiples of. */
  base: 'decimal' | 'binary' | 'time'
}

const BYTES = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'].map((suffix, power) => ({
  size: 1024 ** power,
  suffix: ` ${suffix}`,
}))
const BITS = ['bit', 'kbit', 'Mbit', 'Gbit', 'Tbit', 'Pbit'].map((suffix, power) => ({
  size: 1000 ** power,
  suffix: ` ${suffix}`,
}))
const TIMES = [
  { size: 1e-9, suffix: ' ns' },
  { size: 1e-6, suffix: ' µs' },
  { size: 1e-3, suffix: ' ms' },
  { size: 1, suffix: ' s' },
  { size: 60, suffix: ' min' },
  { size: 3600, suffix: ' h' },
  { size: 86_400, suffix: ' d' },
]
const LARGE = ['', 'k', 'M', 'G', 'T', 'P', 'E']

function counted(unit: Unit | null): Scale['prefixes'] {
  const name = unit ? ` ${unit.short_name || unit.plural}` : ''
  return LARGE.map((prefix, power) => ({ size: 1000 ** power, suffix: `${prefix}${name}` }))
}

function perText(per: Unit | null): string {
  return per ? `/${per.short_name || per.name}` : ''
}

export function scaleOf(unit: UnitPair): Scale {
  const [of, per] = unit ?? [null, null]
  const tail = perText(per)
  if (of?.family === 'bytes' && of.name === 'bit')
    return { factor: 1, prefixes: BITS, per: tail, base: 'decimal' }
  if (of?.family === 'bytes') return { factor: of.scale_factor, prefixes: BYTES, per: tail, base: 'binary' }
  if (of?.family === 'time') return { factor: of.scale_factor, prefixes: TIMES, per: tail, base: 'time' }
  if (of?.family === 'percentage' && of.name !== 'apdex') {
    return { factor: of.scale_factor, prefixes: [{ size: 1, suffix: '%' }], per: tail, base: 'decimal' }
  }
  return { factor: 1, prefixes: counted(of), per: tail, base: 'decimal' }
}

const SIGNIFICANT = 3
/** Plain numbers smaller than this are written with a power of ten. */
const TINY = 1e-4

/** Three significant digits without trailing zeros; whole numbers keep all their digits. */
function digits(value: number): string {
  const magnitude = Math.abs(value)
  if (magnitude >= 100) return String(Math.round(value))
  if (magnitude > 0 && magnitude < TINY) return value.toExponential(SIGNIFICANT - 1).replace(/\.?0+e/, 'e')
  return String(Number(value.toPrecision(SIGNIFICANT)))
}

/** The prefix in which `magnitude` (scaled) has the fewest digits before the point but at least one. */
function prefixFor(scale: Scale, magnitude: number) {
  const first = scale.prefixes[0] ?? { size: 1, suffix: '' }
  if (magnitude === 0) return scale.base === 'time' ? { size: 1, suffix: ' s' } : first
  // 999.6 would round to 1000: it belongs to the next prefix.
  return scale.prefixes.findLast(({ size }) => magnitude * (1 + 5e-4) >= size) ?? first
}

/** A value in words, for tooltips, legends and big numbers. */
export function formatValue(value: number | null | undefined, unit: UnitPair = null): string {
  if (value === null || value === undefined || Number.isNaN(value)) return '–'
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞'
  const scale = scaleOf(unit)
  const scaled = value * scale.factor
  const prefix = prefixFor(scale, Math.abs(scaled))
  return `${digits(scaled / prefix.size)}${prefix.suffix}${scale.per}`.replace(/^-/, '−')
}

const TIME_STEPS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
]

/** The smallest nice step that is at least `raw` (all in scaled values). */
function niceStep(raw: number, base: Scale['base']): number {
  if (base === 'time' && raw > 1) {
    const step = TIME_STEPS.find((candidate) => candidate >= raw)
    if (step !== undefined) return step
    return 86_400 * niceStep(raw / 86_400, 'decimal')
  }
  if (base === 'binary' && raw >= 1) {
    const power = 1024 ** Math.floor(Math.log2(raw) / 10)
    const within = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024].find((candidate) => candidate * power >= raw)
    return (within ?? 1024) * power
  }
  const power = 10 ** Math.floor(Math.log10(raw))
  const within = [1, 2, 2.5, 5, 10].find((candidate) => candidate * power >= raw * (1 - 1e-9))
  return (within ?? 10) * power
}

export interface Ticks {
  /** In values as they came, ascending. */
  values: number[]
  labels: string[]
}

/** Ticks within `[min, max]`, about `count` of them; all labels of one axis share a prefix. */
export function ticks(min: number, max: number, count: number, unit: UnitPair = null): Ticks {
  const scale = scaleOf(unit)
  const low = min * scale.factor
  const high = max * scale.factor
  if (!(high > low) || count < 1) return { values: [], labels: [] }
  const step = niceStep((high - low) / count, scale.base)
  const values: number[] = []
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high * (1 + 1e-12) + step * 1e-9; index++) {
    values.push(index * step)
  }
  const largest = Math.max(...values.map(Math.abs), step)
  const prefix = prefixFor(scale, largest)
  const decimals = decimalsFor(step / prefix.size)
  const labels = values.map((value) => {
    if (value === 0) return '0'
    const number = fixedText(value / prefix.size, decimals)
    return `${number}${prefix.suffix}${scale.per}`.replace(/^-/, '−')
  })
  return { values: values.map((value) => value / scale.factor), labels }
}

/** As many decimals as tell two neighbours apart, at most six. */
function decimalsFor(step: number): number {
  for (let decimals = 0; decimals <= 6; decimals++) {
    const scaled = step * 10 ** decimals
    if (Math.abs(scaled - Math.round(scaled)) < 1e-6 * scaled) return decimals
  }
  return step < MIN_FIXED_STEP ? Infinity : step < 1 ? 3 : 1
}

/** Axes whose smaller steps need many decimals are written with powers of ten. */
const MIN_FIXED_STEP = 1e-3
/** Enough digits to tell the ticks of such an axis apart. */
const TINY_DIGITS = 4

function fixedText(value: number, decimals: number): string {
  if (decimals === Infinity) return value.toExponential(TINY_DIGITS - 1).replace(/\.?0+e/, 'e')
  const text = value.toFixed(decimals)
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

/** `1 host`, `3 hosts`. */
export function countText(count: number, one: string, many = `${one}s`): string {
  return `${formatValue(count)} ${count === 1 ? one : many}`
}
