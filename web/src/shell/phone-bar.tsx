// On a phone: the first pages along the bottom edge, everything else in a drawer behind the fifth place.
import { Link, useLocation } from '@tanstack/react-router'
import { Keyboard, LogOut, Menu as MenuIcon, Moon, Sun } from 'lucide-react'
import { Dialog } from 'radix-ui'
import { useState } from 'react'
import { chooseTheme, useTheme } from '@/theme'
import { isCurrent, NAV } from './nav'
import { logout } from './top-bar'
import css from './frame.module.css'
import floating from '@/ui/floating.module.css'

const PLACES = 4
const ICON = 20

export function PhoneBar({ onKeys }: { onKeys: () => void }) {
  const path = useLocation({ select: (location) => location.pathname })
  return (
    <nav className={css.phoneBar} aria-label="Main, phone">
      {NAV.slice(0, PLACES).map((item) => {
        const current = isCurrent(item, path)
        return (
          <Link
            key={item.to}
            to={item.to}
            className={css.phoneLink}
            data-current={current}
            aria-current={current ? 'page' : undefined}
          >
            <item.icon size={ICON} aria-hidden />
            {item.label}
          </Link>
        )
      })}
      <Drawer onKeys={onKeys} />
    </nav>
  )
}

function Drawer({ onKeys }: { onKeys: () => void }) {
  const [open, setOpen] = useState(false)
  const theme = useTheme()
  const close = () => setOpen(false)
  return (
    <Dialog.Root open={open} onOpenChange={setOpen}>
      <Dialog.Trigger className={css.phoneLink}>
        <MenuIcon size={ICON} aria-hidden />
        More
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Overlay className={floating.shade} />
        <Dialog.Content className={css.drawer} aria-describedby={undefined}>
          <Dialog.Title asChild>
            <h2>Go to</h2>
          </Dialog.Title>
          {NAV.map((item) => (
            <Link key={item.to} to={item.to} className={css.navLink} onClick={close}>
              <item.icon size={ICON} aria-hidden />
              {item.label}
            </Link>
          ))}
          <button
            type="button"
            className={css.navLink}
            onClick={() => chooseTheme(theme === 'dark' ? 'light' : 'dark')}
          >
            {theme === 'dark' ? <Sun size={ICON} /> : <Moon size={ICON} />}
            {theme === 'dark' ? 'Light theme' : 'Dark theme'}
          </button>
          <button
            type="button"
            className={css.navLink}
            onClick={() => {
              close()
              onKeys()
            }}
          >
            <Keyboard size={ICON} />
            Keyboard shortcuts
          </button>
          <button type="button" className={css.navLink} onClick={logout}>
            <LogOut size={ICON} />
            Sign out
          </button>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  )
}
