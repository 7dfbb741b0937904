// Which character an error of the server speaks of.

/** Zero-based offset into the query; `undefined` when the message names none. */
export function errorPlace(message: string, query: string): number | undefined {
  const counted = /\b(?:at|in)?\s*(?:character|char|column|col|position|offset)\s*:?\s*(\d+)/i.exec(message)
  if (!counted?.[1]) return undefined
  const number = Number(counted[1])
  const zeroBased = /\b(position|offset)\b/i.test(counted[0])
  const place = zeroBased ? number : number - 1
  return Math.min(Math.max(place, 0), Math.max(0, query.length - 1))
}
