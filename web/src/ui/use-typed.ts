// A text field over a value in the URL: what is typed shows at once and reaches the URL when the typing pauses.
import { useEffect, useRef, useState } from 'react'

const PAUSE_MS = 150

export function useTyped(value: string, commit: (value: string) => void): [string, (value: string) => void] {
  const [text, setText] = useState(value)
  const known = useRef(value)
  const latest = useRef(commit)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => {
    latest.current = commit
  })
  useEffect(() => {
    if (value === known.current) return
    // Somebody else changed it: a facet, the back button.
    known.current = value
    clearTimeout(timer.current)
    setText(value)
  }, [value])
  useEffect(() => () => clearTimeout(timer.current), [])
  const change = (next: string) => {
    setText(next)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => {
      known.current = next
      latest.current(next)
    }, PAUSE_MS)
  }
  return [text, change]
}
