// The command palette: any page, metric or action, by a few letters.
import { useNavigate } from '@tanstack/react-router'
import { useQueryClient } from '@tanstack/react-query'
import { Dialog } from 'radix-ui'
import { useEffect, useMemo, useRef, useState } from 'react'
import type { KeyboardEvent } from 'react'
import { chooseTheme, useTheme } from '@/theme'
import { PRESETS } from '@/time/range'
import { useTimeRange } from '@/time'
import { toast } from '@/ui'
import floating from '@/ui/floating.module.css'
import { matches, PALETTE_SOURCES } from './palette-sources'
import type { PaletteItem } from './palette-sources'
import css from './palette.module.css'

const DEBOUNCE_MS = 60

interface Group {
  group: string
  items: PaletteItem[]
}

export interface PaletteProps {
  open: boolean
  onClose: () => void
  onKeys: () => void
}

export function CommandPalette({ open, onClose, onKeys }: PaletteProps) {
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className={floating.shade} />
        <Dialog.Content className={css.box} aria-describedby={undefined}>
          <Dialog.Title className="visually-hidden">Search and commands</Dialog.Title>
          <Palette onClose={onClose} onKeys={onKeys} />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

function useActions(onKeys: () => void): PaletteItem[] {
  const theme = useTheme()
  const { live, setRange, toggleLive } = useTimeRange()
  return [
    {
      id: 'theme',
      label: theme === 'dark' ? 'Use the light theme' : 'Use the dark theme',
      run: () => chooseTheme(theme === 'dark' ? 'light' : 'dark'),
    },
    { id: 'theme-system', label: 'Use the theme of the system', run: () => chooseTheme('system') },
    { id: 'live', label: live ? 'Pause live updates' : 'Go live', hint: 'P', run: toggleLive },
    {
      id: 'link',
      label: 'Copy the link to this page',
      run: () => void navigator.clipboard.writeText(window.location.href).then(() => toast('Link copied')),
    },
    { id: 'keys', label: 'Keyboard shortcuts', hint: '?', run: onKeys },
    ...PRESETS.map(({ label, words, span }) => ({
      id: `time ${label}`,
      label: `Show the ${words.toLowerCase()}`,
      hint: label,
      run: () => setRange({ kind: 'live', span }),
    })),
  ]
}

/** Asks every source; slow ones fill in when they answer. */
function useSources(words: string): Group[] {
  const client = useQueryClient()
  const [found, setFound] = useState<Record<string, PaletteItem[]>>({})
  useEffect(() => {
    let current = true
    const ask = () => {
      for (const { group, search } of PALETTE_SOURCES) {
        Promise.resolve(search(words, client)).then(
          (items) => current && setFound((before) => ({ ...before, [group]: items })),
          () => current && setFound((before) => ({ ...before, [group]: [] })),
        )
      }
    }
    const timer = setTimeout(ask, DEBOUNCE_MS)
    return () => {
      current = false
      clearTimeout(timer)
    }
  }, [words, client])
  return PALETTE_SOURCES.map(({ group }) => ({ group, items: found[group] ?? [] }))
}

function Palette({ onClose, onKeys }: { onClose: () => void; onKeys: () => void }) {
  const [words, setWords] = useState('')
  const [at, setAt] = useState(0)
  const navigate = useNavigate()
  const list = useRef<HTMLDivElement>(null)
  const actions = useActions(onKeys).filter((action) => matches(action.label, words))
  const groups = [...useSources(words), { group: 'Actions', items: actions }].filter(
    ({ items }) => items.length > 0,
  )
  const flat = useMemo(() => groups.flatMap(({ items }) => items), [groups])
  const selected = Math.min(at, flat.length - 1)

  useEffect(() => {
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' })
  }, [selected, words])

  const choose = (item: PaletteItem | undefined) => {
    if (!item) return
    onClose()
    if (item.to) void navigate({ href: item.to })
    item.run?.()
  }
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') setAt((selected + 1) % Math.max(flat.length, 1))
    else if (event.key === 'ArrowUp') setAt((selected - 1 + flat.length) % Math.max(flat.length, 1))
    else if (event.key === 'Enter') choose(flat[selected])
    else return
    event.preventDefault()
  }
  let index = -1
  return (
    <>
      <input
        className={css.input}
        role="combobox"
        aria-label="Search and commands"
        aria-expanded
        aria-controls="palette-list"
        aria-activedescendant={selected >= 0 ? `palette-${selected}` : undefined}
        placeholder="Go to a page, a metric, an action"
        autoFocus
        autoComplete="off"
        spellCheck={false}
        value={words}
        onChange={(event) => {
          setWords(event.target.value)
          setAt(0)
        }}
        onKeyDown={onKey}
      />
      <div ref={list} id="palette-list" className={css.list} role="listbox" aria-label="Results">
        {groups.map(({ group, items }) => (
          <div key={group} role="group" aria-label={group}>
            <div className={css.group} role="presentation">
              {group}
            </div>
            {items.map((item) => {
              index += 1
              const place = index
              return (
                <div
                  key={item.id}
                  id={`palette-${place}`}
                  role="option"
                  aria-selected={place === selected}
                  className={css.item}
                  onMouseMove={() => setAt(place)}
                  onClick={() => choose(item)}
                >
                  {item.label}
                  {item.hint && <span className={css.hint}>{item.hint}</span>}
                </div>
              )
            })}
          </div>
        ))}
      </div>
      {flat.length === 0 && <p className={css.none}>Nothing matches “{words}”</p>}
    </>
  )
}
