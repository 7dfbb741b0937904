// Binds a key for as long as a component is on the page.
import { useEffect, useRef, useSyncExternalStore } from 'react'
import { bind, shortcuts } from './registry'

export function useShortcut(keys: string, label: string, group: string, run: () => void): void {
  const latest = useRef(run)
  useEffect(() => {
    latest.current = run
  })
  useEffect(() => bind({ keys, label, group, run: () => latest.current() }), [keys, label, group])
}

export function useShortcuts() {
  return useSyncExternalStore(shortcuts.subscribe, shortcuts.list)
}
