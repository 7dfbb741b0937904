// Short notes at the corner; an undoable action keeps its note for ten seconds.
import { useSyncExternalStore } from 'react'
import { Button } from './button'
import css from './feedback.module.css'

interface Note {
  id: number
  text: string
  undo?: () => void
}

const UNDO_MS = 10_000
const NOTE_MS = 4_000
/** More than this many notes at once would only hide the page. */
const MAX_NOTES = 3

let notes: readonly Note[] = []
let nextId = 1
const listeners = new Set<() => void>()

function set(next: readonly Note[]): void {
  notes = next
  for (const listener of listeners) listener()
}

export function toast(text: string, options: { undo?: () => void } = {}): void {
  const note: Note = { id: nextId++, text, undo: options.undo }
  set([...notes, note].slice(-MAX_NOTES))
  setTimeout(() => dismiss(note.id), options.undo ? UNDO_MS : NOTE_MS)
}

function dismiss(id: number): void {
  set(notes.filter((note) => note.id !== id))
}

function subscribe(listener: () => void) {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function Toasts() {
  const list = useSyncExternalStore(subscribe, () => notes)
  return (
    <div className={css.toasts} role="status" aria-live="polite">
      {list.map((note) => (
        <div key={note.id} className={css.toast}>
          <span>{note.text}</span>
          {note.undo && (
            <Button
              small
              onClick={() => {
                note.undo?.()
                dismiss(note.id)
              }}
            >
              Undo
            </Button>
          )}
        </div>
      ))}
    </div>
  )
}
