// Which columns a list shows: chosen from a menu, remembered in this browser.
import { Columns3 } from 'lucide-react'
import { useMemo, useState, useSyncExternalStore } from 'react'
import { Button } from './button'
import type { Column } from './data-table'
import { Menu, MenuCheck } from './menu'

const PHONE = '(max-width: 767px)'

function subscribe(listener: () => void): () => void {
  const media = matchMedia(PHONE)
  media.addEventListener('change', listener)
  return () => media.removeEventListener('change', listener)
}

export const useIsPhone = (): boolean => useSyncExternalStore(subscribe, () => matchMedia(PHONE).matches)

function read(key: string): string[] | undefined {
  try {
    const parsed: unknown = JSON.parse(localStorage.getItem(key) ?? 'null')
    return Array.isArray(parsed) ? parsed.filter((entry) => typeof entry === 'string') : undefined
  } catch {
    return undefined
  }
}

export interface ColumnChoice<Row> {
  shown: Column<Row>[]
  isShown: (key: string) => boolean
  toggle: (key: string) => void
}

/** `name` tells lists apart in the browser's storage. A phone starts with the few columns that fit. */
export function useColumns<Row>(name: string, columns: readonly Column<Row>[]): ColumnChoice<Row> {
  const key = `galgo.columns.${name}`
  const phone = useIsPhone()
  const [chosen, setChosen] = useState(() => read(key))
  return useMemo(() => {
    const isShown = (column: Column<Row>) => {
      if (column.fixed) return true
      if (phone) return column.phone ?? false
      return chosen ? chosen.includes(column.key) : !column.optional
    }
    const shown = columns.filter(isShown)
    return {
      shown,
      isShown: (wanted) => shown.some((column) => column.key === wanted),
      toggle: (wanted) => {
        const now = columns
          .filter((column) => isShown(column) !== (column.key === wanted))
          .map((column) => column.key)
        setChosen(now)
        try {
          localStorage.setItem(key, JSON.stringify(now))
        } catch {
          // Not remembered, then.
        }
      },
    }
  }, [columns, chosen, key, phone])
}

export function ColumnMenu<Row>({
  columns,
  choice,
}: {
  columns: readonly Column<Row>[]
  choice: ColumnChoice<Row>
}) {
  const phone = useIsPhone()
  if (phone) return null
  const trigger = (
    <Button aria-label="Columns">
      <Columns3 size={14} aria-hidden />
      Columns
    </Button>
  )
  return (
    <Menu trigger={trigger}>
      {columns
        .filter((column) => !column.fixed)
        .map((column) => (
          <MenuCheck
            key={column.key}
            checked={choice.isShown(column.key)}
            onChange={() => choice.toggle(column.key)}
          >
            {column.label}
          </MenuCheck>
        ))}
    </Menu>
  )
}
