// Whether Shift is held down, for as long as somebody wants to know.
import { useEffect, useState } from 'react'

export function useShiftHeld(wanted: boolean): boolean {
  const [held, setHeld] = useState(false)
  useEffect(() => {
    if (!wanted) return undefined
    const read = (event: KeyboardEvent | MouseEvent) => setHeld(event.shiftKey)
    const release = () => setHeld(false)
    addEventListener('keydown', read)
    addEventListener('keyup', read)
    addEventListener('mousemove', read)
    addEventListener('blur', release)
    return () => {
      removeEventListener('keydown', read)
      removeEventListener('keyup', read)
      removeEventListener('mousemove', read)
      removeEventListener('blur', release)
      setHeld(false)
    }
  }, [wanted])
  return held && wanted
}
