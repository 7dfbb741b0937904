// Light or dark: the system's wish until the user chooses, remembered in this browser.
import { useSyncExternalStore } from 'react'
import type { ThemeName } from '@/tokens'

export type ThemeChoice = 'system' | ThemeName

const KEY = 'galgo.theme'
const dark = typeof matchMedia === 'function' ? matchMedia('(prefers-color-scheme: dark)') : undefined
const listeners = new Set<() => void>()

function readChoice(): ThemeChoice {
  const set = document.documentElement.dataset.theme
  return set === 'light' || set === 'dark' ? set : 'system'
}

function themeName(): ThemeName {
  const choice = readChoice()
  if (choice !== 'system') return choice
  return dark?.matches ? 'dark' : 'light'
}

function changed(): void {
  for (const listener of listeners) listener()
}

dark?.addEventListener('change', changed)

export function chooseTheme(choice: ThemeChoice): void {
  if (choice === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = choice
  try {
    if (choice === 'system') localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, choice)
  } catch {
    // Storage is forbidden here: the choice holds until the page is loaded again.
  }
  changed()
}

function subscribe(listener: () => void) {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export const useTheme = (): ThemeName => useSyncExternalStore(subscribe, themeName)
export const useThemeChoice = (): ThemeChoice => useSyncExternalStore(subscribe, readChoice)
