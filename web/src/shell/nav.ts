// What the rail, the phone's bar, the palette and the `g` keys offer. A feature adds its line when it exists.
import { Blocks, ChartSpline, House, Server, Settings } from 'lucide-react'
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
    children: [
      { to: '/metrics/explorer', label: 'Explorer' },
      { to: '/metrics/summary', label: 'Summary' },
    ],
  },
  {
    to: '/infrastructure',
    label: 'Infrastructure',
    icon: Server,
    key: 'i',
    children: [
      { to: '/infrastructure', label: 'Hosts' },
      { to: '/infrastructure/map', label: 'Host map' },
    ],
  },
  {
    to: '/integrations',
    label: 'Integrations',
    icon: Blocks,
    key: 'n',
    children: [
      { to: '/integrations', label: 'All' },
      { to: '/integrations/add-host', label: 'Add a host' },
    ],
  },
  {
    to: '/settings/keys',
    label: 'Settings',
    icon: Settings,
    key: 's',
    base: '/settings',
    children: [
      { to: '/settings/keys', label: 'API keys' },
      { to: '/settings/not-kept', label: 'Not kept' },
      { to: '/settings/status', label: 'Status' },
    ],
  },
]

/** The page of a section that an address belongs to: the longest that it begins with. */
export function currentChild(children: readonly NavLink[], path: string): NavLink | undefined {
  const under = children.filter(({ to }) => path === to || path.startsWith(`${to}/`))
  return under.sort((left, right) => right.to.length - left.to.length)[0]
}

export function isCurrent(item: NavItem, path: string): boolean {
  const base = item.base ?? item.to
  return base === '/' ? path === '/' : path === base || path.startsWith(`${base}/`)
}
