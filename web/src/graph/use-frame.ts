// Asks the server for the series of a graph; each part is a request of its own, so that one wrong query does not
// take the others away.
import { keepPreviousData, useQueries } from '@tanstack/react-query'
import { useCallback, useRef } from 'react'
import { api } from '@/api/client'
import type { TimeseriesAnswer, TimeseriesRequest } from '@/api/types'
import type { TimeWindow } from '@/time'
import { frameOf } from './frame'
import type { Frame, Part } from './frame'

export interface PartRequest {
  /** Short name: `a`, `f1`. */
  name: string
  /** What an ungrouped series is called. */
  label: string
  /** Queries by name; more than one only for a formula. */
  queries: readonly { name: string; query: string }[]
  /** An expression over the names; without it the single query itself is shown. */
  formula?: string
}

export interface FrameState {
  frame: Frame
  /** The first answer is still on its way. */
  loading: boolean
  /** What is shown belongs to an earlier window or query. */
  stale: boolean
  errors: { name: string; error: Error }[]
  retry: () => void
}

const POINTS_CACHE_MS = 60_000

export function requestOf(part: PartRequest, { from, to }: TimeWindow, interval?: number): TimeseriesRequest {
  return {
    data: {
      type: 'timeseries_request',
      attributes: {
        from,
        to,
        ...(interval === undefined ? {} : { interval }),
        queries: part.queries.map(({ name, query }) => ({ name, data_source: 'metrics', query })),
        formulas: [{ formula: part.formula ?? part.queries[0]?.name ?? '' }],
      },
    },
  }
}

export function useFrame(
  parts: readonly PartRequest[],
  window: TimeWindow,
  options: { enabled: boolean; interval?: number },
): FrameState {
  const { enabled, interval } = options
  const results = useQueries({
    queries: parts.map((part) => {
      const request = requestOf(part, window, interval)
      return {
        queryKey: ['timeseries', request],
        queryFn: ({ signal }: { signal: AbortSignal }) =>
          api.post<TimeseriesAnswer>('/api/v2/query/timeseries', request, { signal }),
        enabled,
        placeholderData: keepPreviousData,
        // Comparing thousands of points costs more than drawing them.
        structuralSharing: false,
        gcTime: POINTS_CACHE_MS,
      }
    }),
  })
  const answers = results.map(({ data }) => data)
  const names = parts.map(({ name, label }) => `${name} ${label}`).join('\n')
  const frame = useKept([names, ...answers], () => frameOf(present(parts, answers)))
  const retry = useCallback(() => {
    for (const { refetch } of results) void refetch()
  }, [results])
  return {
    frame,
    loading: results.some(({ isLoading }) => isLoading),
    stale: results.some(({ isPlaceholderData, isFetching }) => isPlaceholderData && isFetching),
    errors: results.flatMap(({ error }, index) => (error ? [{ name: parts[index]?.name ?? '', error }] : [])),
    retry,
  }
}

/** Like `useMemo`, for a list of inputs whose length changes. */
function useKept<T>(inputs: readonly unknown[], make: () => T): T {
  const kept = useRef<{ inputs: readonly unknown[]; value: T } | null>(null)
  const now = kept.current
  if (now?.inputs.length === inputs.length && now.inputs.every((input, at) => input === inputs[at]))
    return now.value
  const value = make()
  kept.current = { inputs, value }
  return value
}

function present(parts: readonly PartRequest[], answers: readonly (TimeseriesAnswer | undefined)[]): Part[] {
  return parts.flatMap((part, index) => {
    const answer = answers[index]
    return answer ? [{ name: part.name, label: part.label, answer }] : []
  })
}
