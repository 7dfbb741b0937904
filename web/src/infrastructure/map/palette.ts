// Colours of the host map: green for little, orange for much. Lightness falls on the way, so that the order can be
// seen without telling the hues apart.

const STOPS = ['#4fb286', '#8fbf5f', '#c9b83f', '#e79a3a', '#dd6b2f'] as const
/** Dark on every stop, in both themes. */
export const ON_FILL = '#14181e'

function mix(from: string, to: string, share: number): string {
  const channel = (at: number) => {
    const low = parseInt(from.slice(at, at + 2), 16)
    const high = parseInt(to.slice(at, at + 2), 16)
    return Math.round(low + (high - low) * share)
      .toString(16)
      .padStart(2, '0')
  }
  return `#${channel(1)}${channel(3)}${channel(5)}`
}

/** Share of the way from min to max, held within 0 and 1; the middle when there is no way. */
export function shareOf(value: number, min: number, max: number): number {
  if (!(max > min)) return 0.5
  return Math.min(1, Math.max(0, (value - min) / (max - min)))
}

export function fillColor(share: number): string {
  const place = Math.min(1, Math.max(0, share)) * (STOPS.length - 1)
  const at = Math.min(STOPS.length - 2, Math.floor(place))
  return mix(STOPS[at] ?? STOPS[0], STOPS[at + 1] ?? STOPS[0], place - at)
}

export const GRADIENT = `linear-gradient(to right, ${STOPS.join(', ')})`

/** Smallest hexagon as a share of the full radius when sizes differ. */
const SMALLEST = 0.5

/** Radius share for a size value: areas grow with values. */
export function sizeShare(value: number | undefined, max: number): number {
  if (value === undefined || !(max > 0)) return SMALLEST
  return SMALLEST + (1 - SMALLEST) * Math.sqrt(Math.min(1, Math.max(0, value / max)))
}
