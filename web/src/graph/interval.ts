// Bucket sizes that the page asks for by itself: none for lines (the server's choice), coarser ones for bars.
import type { GraphKind } from './plan'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Longest span in ms -> bucket in ms. */
const BARS: readonly [span: number, bucket: number][] = [
  [15 * MINUTE, 20_000],
  [HOUR, MINUTE],
  [4 * HOUR, 2 * MINUTE],
  [DAY, 20 * MINUTE],
  [2 * DAY, 30 * MINUTE],
  [7 * DAY, 2 * HOUR],
  [31 * DAY, 12 * HOUR],
]

export function autoInterval(span: number, kind: GraphKind): number | undefined {
  if (kind !== 'bars') return undefined
  return BARS.find(([longest]) => span <= longest)?.[1] ?? DAY
}
