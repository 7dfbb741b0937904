// What the rail, the phone's bar, the palette and the `g` keys offer. A feature adds its line when it exists.
import { ChartSpline, House } from 'lucide-react'
import type { LucideIcon } from 'lucide-react'

export interface NavLink {
  to: string
  label: string
}

export interface NavItem extends NavLink {
  icon: LucideIcon
  /** Second key after `g`. */
  key?: string
  /** The address that marks the item as current, when it is not `to` itself. */
  base?: string
  /** Pages of one section: tabs in the top bar. */
  children?: readonly NavLink[]
}

export const NAV: readonly NavItem[] = [
  { to: '/', label: 'Home', icon: House, key: 'h' },
  {
    to: '/metrics/explorer',
    label: 'Metrics',
    icon: ChartSpline,
    key: 'e',
    base: '/metrics',
    children: [{ to: '/metrics/explorer', label: 'Explorer' }],
  },
]

export function isCurrent(item: NavItem, path: string): boolean {
  const base = item.base ?? item.to
  return base === '/' ? path === '/' : path === base || path.startsWith(`${base}/`)
}
