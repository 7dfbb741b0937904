// The page's keyboard map: who binds a key says what it does, and the `?` sheet lists exactly what is bound.

export interface Shortcut {
  /** `t`, `mod+k`, or two keys in a row: `g m`. */
  keys: string
  label: string
  group: string
  run: () => void
}

/** How long the second key of a pair may take, in ms. */
const PAIR_WINDOW_MS = 1200

const bound: Shortcut[] = []
const listeners = new Set<() => void>()
let snapshot: readonly Shortcut[] = []

function changed(): void {
  snapshot = [...bound]
  for (const listener of listeners) listener()
}

/** The binding made last wins while it stands. */
export function bind(shortcut: Shortcut): () => void {
  bound.push(shortcut)
  changed()
  return () => {
    const at = bound.indexOf(shortcut)
    if (at >= 0) bound.splice(at, 1)
    changed()
  }
}

export const shortcuts = {
  subscribe: (listener: () => void) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },
  list: () => snapshot,
}

/** `mod` is ⌘ on a Mac and Ctrl elsewhere. */
export function keyName(event: KeyboardEvent): string | undefined {
  if (event.altKey) return undefined
  const mod = event.metaKey || event.ctrlKey
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
  return mod ? `mod+${key}` : key
}

function takesText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target.isContentEditable) return true
  const name = target.tagName
  if (name === 'INPUT')
    return !['checkbox', 'radio', 'button', 'range'].includes((target as HTMLInputElement).type)
  return name === 'TEXTAREA' || name === 'SELECT'
}

/** What owns the plain keys while it is open: dialogs and menus, but not panels beside a list that stays usable. */
const OWNERS = '[role=dialog][data-state=open]:not([data-beside]),[role=menu][data-state=open]'

function find(keys: string): Shortcut | undefined {
  return bound.findLast((shortcut) => shortcut.keys === keys)
}

/** Listens on the document; returns the way to stop. */
export function listen(root: Document): () => void {
  let first: { key: string; at: number } | undefined
  const onKey = (event: KeyboardEvent) => {
    const key = keyName(event)
    if (key === undefined || event.defaultPrevented || event.isComposing) return
    const plain = !key.startsWith('mod+')
    if (plain && takesText(event.target)) return
    // An open dialog or menu owns the plain keys.
    if (plain && root.querySelector(OWNERS)) return
    const pair =
      first && event.timeStamp - first.at < PAIR_WINDOW_MS ? find(`${first.key} ${key}`) : undefined
    const shortcut = pair ?? find(key)
    first = pair ? undefined : { key, at: event.timeStamp }
    if (!shortcut) return
    event.preventDefault()
    shortcut.run()
  }
  root.addEventListener('keydown', onKey)
  return () => root.removeEventListener('keydown', onKey)
}
