// Datadog's units, for completion while one edits a metric. A test keeps the table equal to the server's.
import table from './units.json'

export interface UnitName {
  name: string
  family: string
  short: string
}

export const UNITS: readonly UnitName[] = table.map(([name = '', family = '', short = '']) => ({
  name,
  family,
  short,
}))

export const isUnit = (name: string): boolean => UNITS.some((unit) => unit.name === name)

/** Names that start with the text first, then those that contain it, then by family. */
export function unitsLike(text: string): UnitName[] {
  const low = text.trim().toLowerCase()
  if (low === '') return [...UNITS]
  const rank = ({ name, family, short }: UnitName) => {
    if (name === low || short.toLowerCase() === low) return 0
    if (name.startsWith(low)) return 1
    if (name.includes(low)) return 2
    return family.startsWith(low) ? 3 : 4
  }
  return UNITS.filter((unit) => rank(unit) < 4).sort((left, right) => rank(left) - rank(right))
}
