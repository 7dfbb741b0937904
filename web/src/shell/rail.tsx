// The left rail: icons, with words beside them when wide and as tooltips when not.
import { Link, useLocation } from '@tanstack/react-router'
import { PanelLeftClose, PanelLeftOpen } from 'lucide-react'
import { Tooltip } from '@/ui'
import { isCurrent, NAV } from './nav'
import type { NavItem } from './nav'
import css from './frame.module.css'

const ICON = 18

export function Rail({ wide, onResize }: { wide: boolean; onResize: () => void }) {
  const path = useLocation({ select: (location) => location.pathname })
  const label = wide ? 'Collapse the menu' : 'Expand the menu'
  const resize = (
    <button type="button" className={css.navLink} aria-label={label} onClick={onResize}>
      {wide ? <PanelLeftClose size={ICON} /> : <PanelLeftOpen size={ICON} />}
      {wide && 'Collapse'}
    </button>
  )
  return (
    <nav className={css.rail} aria-label="Main">
      <Link to="/" className={css.brand} aria-label="Galgo, home">
        <img src="/galgo.svg" alt="" width={28} height={28} />
        {wide && 'Galgo'}
      </Link>
      <ul className={css.nav}>
        {NAV.map((item) => (
          <li key={item.to}>
            <RailLink item={item} wide={wide} current={isCurrent(item, path)} />
          </li>
        ))}
      </ul>
      <div className={css.spacer} />
      {wide ? (
        resize
      ) : (
        <Tooltip text={label} side="right">
          {resize}
        </Tooltip>
      )}
    </nav>
  )
}

function RailLink({ item, wide, current }: { item: NavItem; wide: boolean; current: boolean }) {
  const link = (
    <Link
      to={item.to}
      className={css.navLink}
      data-current={current}
      aria-current={current ? 'page' : undefined}
      aria-label={item.label}
    >
      <item.icon size={ICON} aria-hidden />
      {wide && item.label}
    </Link>
  )
  if (wide) return link
  return (
    <Tooltip text={item.label} side="right" keys={item.key && `G ${item.key.toUpperCase()}`}>
      {link}
    </Tooltip>
  )
}
