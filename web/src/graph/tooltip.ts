// The box beside the crosshair. Plain DOM, not React: it moves with every mouse move over every graph.
import { formatValue } from '@/format/value'
import { instantText } from '@/time/format'
import type { Frame, Value } from './frame'
import css from './graph.module.css'

/** Rows in the box; the rest is counted. */
const MAX_ROWS = 10
const OFFSET = 14
const EDGE = 8

export interface TooltipContent {
  time: number
  frame: Frame
  /** Index into the frame's times. */
  index: number
  /** Series on show, as indices into the frame. */
  visible: readonly number[]
  focused: number | null
}

interface Row {
  at: number
  value: number
}

/** The highest values at a moment, and the focused series in any case. */
export function topRows(content: TooltipContent): { rows: Row[]; more: number } {
  const { frame, index, visible, focused } = content
  const rows: Row[] = []
  for (const at of visible) {
    const value: Value | undefined = frame.series[at]?.values[index]
    if (typeof value === 'number') rows.push({ at, value })
  }
  rows.sort((left, right) => right.value - left.value)
  const top = rows.slice(0, MAX_ROWS)
  const wanted = rows.find(({ at }) => at === focused)
  if (wanted && !top.includes(wanted)) top[top.length - 1] = wanted
  return { rows: top, more: rows.length - top.length }
}

function element(tag: string, className: string | undefined, text?: string): HTMLElement {
  const made = document.createElement(tag)
  if (className) made.className = className
  if (text !== undefined) made.textContent = text
  return made
}

export class TooltipBox {
  private readonly box = element('div', css.tooltip)

  constructor() {
    this.box.setAttribute('aria-hidden', 'true')
    this.box.hidden = true
    document.body.append(this.box)
  }

  show(content: TooltipContent, pointer: { x: number; y: number }): void {
    const { rows, more } = topRows(content)
    if (rows.length === 0) {
      this.hide()
      return
    }
    const list = element('div', css.tooltipRows)
    for (const { at, value } of rows) list.append(this.row(content, at, value))
    this.box.replaceChildren(element('div', css.tooltipTime, instantText(content.time)), list)
    if (more > 0) this.box.append(element('div', css.tooltipMore, `and ${more} more`))
    this.box.hidden = false
    this.place(pointer)
  }

  private row({ frame, focused }: TooltipContent, at: number, value: number): HTMLElement {
    const series = frame.series[at]
    const row = element('div', css.tooltipRow)
    row.dataset.focused = String(at === focused)
    const mark = element('span', css.mark)
    mark.style.background = series?.color ?? ''
    row.append(mark, element('span', css.tooltipLabel, series?.label ?? ''))
    row.append(element('span', css.tooltipValue, formatValue(value, series?.unit ?? null)))
    return row
  }

  private place({ x, y }: { x: number; y: number }): void {
    const { offsetWidth: width, offsetHeight: height } = this.box
    const right = x + OFFSET + width + EDGE <= window.innerWidth
    const left = right ? x + OFFSET : Math.max(EDGE, x - OFFSET - width)
    const top = Math.min(Math.max(EDGE, y - height / 2), window.innerHeight - height - EDGE)
    this.box.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`
  }

  hide(): void {
    this.box.hidden = true
  }

  remove(): void {
    this.box.remove()
  }
}
