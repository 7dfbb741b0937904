// The frame around every page: rail, top bar, the phone's bottom bar, palette, key sheet, notes.
import { Outlet, useMatches, useNavigate } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { useShortcut } from '@/keyboard'
import { NAV } from './nav'
import { CommandPalette } from './palette'
import { PhoneBar } from './phone-bar'
import { Rail } from './rail'
import { KeySheet } from './key-sheet'
import { TopBar } from './top-bar'
import { Toasts } from '@/ui/toast'
import css from './frame.module.css'

const WIDE_KEY = 'galgo.rail-wide'

function readWide(): boolean {
  try {
    return localStorage.getItem(WIDE_KEY) === 'true'
  } catch {
    return false
  }
}

function writeWide(wide: boolean): void {
  try {
    localStorage.setItem(WIDE_KEY, String(wide))
  } catch {
    // Not remembered, then.
  }
}

export function Frame() {
  const [wide, setWide] = useState(readWide)
  const [palette, setPalette] = useState(false)
  const [keys, setKeys] = useState(false)
  const page = useMatches().findLast((match) => match.staticData.title)?.staticData
  const title = page?.title ?? ''
  useEffect(() => {
    document.title = title === '' ? 'Galgo' : `${title} · Galgo`
  }, [title])
  useShortcut('mod+k', 'Search and commands', 'Page', () => setPalette(true))
  useShortcut('?', 'This list', 'Page', () => setKeys(true))
  const resize = () => {
    setWide(!wide)
    writeWide(!wide)
  }
  return (
    <div className={css.frame} data-wide={wide}>
      <a className={css.skip} href="#main">
        Skip to content
      </a>
      <Rail wide={wide} onResize={resize} />
      <TopBar
        title={title}
        timed={page?.timed ?? false}
        onSearch={() => setPalette(true)}
        onKeys={() => setKeys(true)}
      />
      <main id="main" className={css.main} tabIndex={-1}>
        <Outlet />
      </main>
      <PhoneBar onKeys={() => setKeys(true)} />
      <CommandPalette open={palette} onClose={() => setPalette(false)} onKeys={() => setKeys(true)} />
      <KeySheet open={keys} onClose={() => setKeys(false)} />
      {NAV.map(
        (item) => item.key && <GoKey key={item.to} to={item.to} label={item.label} letter={item.key} />,
      )}
      <Toasts />
    </div>
  )
}

function GoKey({ to, label, letter }: { to: string; label: string; letter: string }) {
  const navigate = useNavigate()
  useShortcut(`g ${letter}`, label, 'Go to', () => void navigate({ to }))
  return null
}
