// Hooks over the time range in the URL. Every page that shows data over time reads it from here.
import { useCallback, useMemo, useSyncExternalStore } from 'react'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { liveClock } from './now'
import { fromSearch, spanOf, step, toSearch, windowOf, zoomOut } from './range'
import type { RangeSearch, TimeRange, TimeWindow } from './range'

export interface TimeRangeControl {
  range: TimeRange
  live: boolean
  setRange: (range: TimeRange) => void
  stepBy: (direction: -1 | 1) => void
  zoomOut: () => void
  toggleLive: () => void
}

/** The range and the ways to change it. Does not tick: for what moves with time use `useTimeWindow`. */
export function useTimeRange(): TimeRangeControl {
  const search: RangeSearch = useSearch({ strict: false })
  const navigate = useNavigate()
  const range = useMemo(() => fromSearch(search), [search.from, search.to, search.live]) // eslint-disable-line react-hooks/exhaustive-deps
  const setRange = useCallback(
    (next: TimeRange) => {
      void navigate({ to: '.', search: (previous: object) => ({ ...previous, ...toSearch(next) }) })
    },
    [navigate],
  )
  return useMemo(
    () => ({
      range,
      live: range.kind === 'live',
      setRange,
      stepBy: (direction) => setRange(step(range, direction, Date.now())),
      zoomOut: () => setRange(zoomOut(range, Date.now())),
      toggleLive: () => {
        if (range.kind === 'fixed') setRange({ kind: 'live', span: spanOf(range) })
        else setRange({ kind: 'fixed', ...windowOf(range, Date.now()) })
      },
    }),
    [range, setRange],
  )
}

const never = () => () => undefined
const zero = () => 0

/** The window on show in unix ms; while live it moves on with the page's one timer. */
export function useTimeWindow(): TimeWindow {
  const { range } = useTimeRange()
  const live = range.kind === 'live'
  if (live) liveClock.setSpan(range.span)
  const now = useSyncExternalStore(live ? liveClock.subscribe : never, live ? liveClock.now : zero)
  return useMemo(() => windowOf(range, now), [range, now])
}
