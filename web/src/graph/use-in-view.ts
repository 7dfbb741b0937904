// Whether an element is on the screen or about to be: only graphs in view ask the server.
import { useEffect, useState } from 'react'
import type { RefObject } from 'react'

const MARGIN = '200px'

export function useInView(target: RefObject<HTMLElement | null>): boolean {
  const [seen, setSeen] = useState(false)
  useEffect(() => {
    const node = target.current
    if (!node) return undefined
    const observer = new IntersectionObserver((entries) => setSeen(entries.at(-1)?.isIntersecting ?? false), {
      rootMargin: MARGIN,
    })
    observer.observe(node)
    return () => observer.disconnect()
  }, [target])
  return seen
}
