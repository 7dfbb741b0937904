// A graph as a file: picture, table, or JSON.
import { color, FONT_SANS } from '@/tokens'
import type { ThemeName } from '@/tokens'
import type { Frame } from './frame'

/** Names below the picture; more would outgrow it. */
const PNG_LEGEND_ROWS = 12
const PAD = 16
const LINE = 18

function quoted(cell: string): string {
  return /[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}

/** One row per moment, one column per series. */
export function csvOf(frame: Frame): string {
  const head = ['time', ...frame.series.map(({ label }) => label)].map(quoted).join(',')
  const lines = frame.times.map((time, index) =>
    [new Date(time).toISOString(), ...frame.series.map(({ values }) => String(values[index] ?? ''))].join(
      ',',
    ),
  )
  return [head, ...lines, ''].join('\r\n')
}

export function jsonOf(frame: Frame, title: string): string {
  const series = frame.series.map(({ label, tags, unit, values }) => ({ label, tags, unit, values }))
  return JSON.stringify({ title, times: frame.times, series }, null, 2)
}

export function save(name: string, content: Blob | string, type = 'text/plain'): void {
  const blob = typeof content === 'string' ? new Blob([content], { type }) : content
  const url = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}

export function fileName(title: string, extension: string): string {
  const base = title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 60)
  return `${base || 'graph'}.${extension}`
}

export interface PictureInput {
  /** The plot's own canvas, in device pixels. */
  canvas: HTMLCanvasElement
  frame: Frame
  hidden: ReadonlySet<string>
  title: string
  subtitle: string
  theme: ThemeName
}

/** The plot with its title and the names of its series. */
export function pictureOf({ canvas, frame, hidden, title, subtitle, theme }: PictureInput): Promise<Blob> {
  const ratio = canvas.width / Math.max(1, canvas.clientWidth)
  const named = frame.series.filter(({ key }) => !hidden.has(key)).slice(0, PNG_LEGEND_ROWS)
  const width = canvas.clientWidth + 2 * PAD
  const height = canvas.clientHeight + 3 * PAD + 2 * LINE + named.length * LINE
  const out = document.createElement('canvas')
  out.width = width * ratio
  out.height = height * ratio
  const context = out.getContext('2d')
  if (!context) return Promise.reject(new Error('this browser offers no canvas'))
  context.scale(ratio, ratio)
  context.fillStyle = color('surface-1', theme)
  context.fillRect(0, 0, width, height)
  context.textBaseline = 'top'
  context.fillStyle = color('text', theme)
  context.font = `600 14px ${FONT_SANS}`
  context.fillText(title, PAD, PAD, width - 2 * PAD)
  context.fillStyle = color('text-2', theme)
  context.font = `11px ${FONT_SANS}`
  context.fillText(subtitle, PAD, PAD + LINE + 2, width - 2 * PAD)
  context.drawImage(canvas, PAD, 2 * PAD + 2 * LINE - 8, canvas.clientWidth, canvas.clientHeight)
  let y = 2 * PAD + 2 * LINE + canvas.clientHeight
  for (const series of named) {
    context.fillStyle = series.color
    context.fillRect(PAD, y + 2, 10, 10)
    context.fillStyle = color('text', theme)
    context.fillText(series.label, PAD + 18, y + 1, width - 2 * PAD - 18)
    y += LINE
  }
  return new Promise((resolve, reject) => {
    out.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error('the picture could not be made'))),
      'image/png',
    )
  })
}
