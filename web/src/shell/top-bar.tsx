// The bar above every page: where one is, search, time, theme, user.
import { Link, useLocation } from '@tanstack/react-router'
import { useQuery } from '@tanstack/react-query'
import { CircleUserRound, Keyboard, LogOut, Monitor, Moon, Search, Sun } from 'lucide-react'
import { api } from '@/api/client'
import { sessionQuery } from '@/api/queries'
import { chooseTheme, useTheme, useThemeChoice } from '@/theme'
import { TimePicker } from '@/time'
import { Button, keyWords, Menu, MenuHeading, MenuItem, MenuSeparator, toast } from '@/ui'
import { currentChild, isCurrent, NAV } from './nav'
import css from './frame.module.css'

export interface TopBarProps {
  title: string
  timed: boolean
  onSearch: () => void
  onKeys: () => void
}

export function TopBar({ title, timed, onSearch, onKeys }: TopBarProps) {
  const path = useLocation({ select: (location) => location.pathname })
  const section = NAV.find((item) => isCurrent(item, path))
  const tabs = section?.children ?? []
  return (
    <header className={css.top}>
      <h1 className={css.title} data-tabs={tabs.length > 1}>
        {tabs.length > 1 ? section?.label : title}
      </h1>
      {tabs.length > 1 && (
        <nav className={css.tabs} aria-label={section?.label}>
          {tabs.map((tab) => {
            const current = tab === currentChild(tabs, path)
            return (
              <Link
                key={tab.to}
                to={tab.to}
                className={css.tab}
                data-current={current}
                aria-current={current ? 'page' : undefined}
              >
                {tab.label}
              </Link>
            )
          })}
        </nav>
      )}
      <div className={css.grow} />
      <Button className={css.find} data-keys={keyWords('mod+k').join(' ')} onClick={onSearch}>
        <Search size={14} aria-hidden />
        <span className={css.findWord}>Search</span>
      </Button>
      {timed && <TimePicker />}
      <div className={css.hideOnPhone}>
        <ThemeMenu />
      </div>
      <div className={css.hideOnPhone}>
        <UserMenu onKeys={onKeys} />
      </div>
    </header>
  )
}

function ThemeMenu() {
  const theme = useTheme()
  const choice = useThemeChoice()
  const trigger = (
    <Button kind="quiet" aria-label="Theme">
      {theme === 'dark' ? <Moon size={16} /> : <Sun size={16} />}
    </Button>
  )
  return (
    <Menu trigger={trigger}>
      <MenuItem
        icon={<Monitor size={14} />}
        hint={choice === 'system' && 'current'}
        onSelect={() => chooseTheme('system')}
      >
        As the system
      </MenuItem>
      <MenuItem
        icon={<Sun size={14} />}
        hint={choice === 'light' && 'current'}
        onSelect={() => chooseTheme('light')}
      >
        Light
      </MenuItem>
      <MenuItem
        icon={<Moon size={14} />}
        hint={choice === 'dark' && 'current'}
        onSelect={() => chooseTheme('dark')}
      >
        Dark
      </MenuItem>
    </Menu>
  )
}

export function logout(): void {
  api
    .post('/api/galgo/v1/logout')
    .then(() => window.location.assign('/login'))
    .catch((error: unknown) => toast(`Could not sign out: ${String(error)}`))
}

function UserMenu({ onKeys }: { onKeys: () => void }) {
  const session = useQuery(sessionQuery).data
  const trigger = (
    <Button kind="quiet" aria-label="User">
      <CircleUserRound size={16} />
    </Button>
  )
  return (
    <Menu trigger={trigger}>
      {session && (
        <MenuHeading>
          {session.user.name || session.user.handle} · {session.org.name}
        </MenuHeading>
      )}
      <MenuItem icon={<Keyboard size={14} />} hint="?" onSelect={onKeys}>
        Keyboard shortcuts
      </MenuItem>
      <MenuSeparator />
      <MenuItem icon={<LogOut size={14} />} onSelect={logout}>
        Sign out
      </MenuItem>
      {session && <MenuHeading>Galgo {session.version}</MenuHeading>}
    </Menu>
  )
}
