// A moment as distance from now, with the exact time on hover.
import { instantText, relativeText, zoneName } from '@/time/format'

/** `at` in unix seconds, as the API has it. */
export function Ago({ at }: { at: number | null | undefined }) {
  if (!at) return <span>–</span>
  const ms = at * 1000
  return (
    <time dateTime={new Date(ms).toISOString()} title={`${instantText(ms)} (${zoneName()})`}>
      {relativeText(ms, Date.now())}
    </time>
  )
}
