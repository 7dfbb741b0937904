// Walking a list from the keyboard: `j` `k` and the arrows go from row to row and open each beside the list.
import { useShortcut } from '@/keyboard'

export interface RowWalk {
  /** Keys of the rows in the order on show. */
  keys: readonly string[]
  open: string | undefined
  onOpen: (key: string) => void
}

/** The row after (or before) the open one; the first (or last) when none is open, none beyond the ends. */
export function nextRow({ keys, open }: Pick<RowWalk, 'keys' | 'open'>, by: 1 | -1): string | undefined {
  if (keys.length === 0) return undefined
  const at = open === undefined ? -1 : keys.indexOf(open)
  if (at < 0) return by === 1 ? keys[0] : keys.at(-1)
  return keys[at + by]
}

export function useRowWalk(walk: RowWalk): void {
  const go = (by: 1 | -1) => () => {
    const key = nextRow(walk, by)
    if (key !== undefined) walk.onOpen(key)
  }
  useShortcut('j', 'Next row', 'List', go(1))
  useShortcut('k', 'Previous row', 'List', go(-1))
  useShortcut('ArrowDown', 'Next row', 'List', go(1))
  useShortcut('ArrowUp', 'Previous row', 'List', go(-1))
}
