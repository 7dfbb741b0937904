// Sorting of table rows by one column: numbers by size, names the way people count, what is missing always last.

export type SortValue = string | number | boolean | null | undefined

export interface Sort {
  by: string
  descending: boolean
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })

const isMissing = (value: SortValue): boolean => value === null || value === undefined || value === ''

/** Order of two present values. */
export function compare(left: SortValue, right: SortValue): number {
  if (typeof left === 'string' && typeof right === 'string') return collator.compare(left, right)
  return Number(left) - Number(right)
}

export function sortRows<Row>(
  rows: readonly Row[],
  value: (row: Row) => SortValue,
  descending: boolean,
): Row[] {
  const sign = descending ? -1 : 1
  const keyed = rows.map((row) => ({ row, key: value(row) }))
  keyed.sort((left, right) => {
    const missing = Number(isMissing(left.key)) - Number(isMissing(right.key))
    if (missing !== 0 || isMissing(left.key)) return missing
    return sign * compare(left.key, right.key)
  })
  return keyed.map(({ row }) => row)
}

/** `name` or `-name`, as it stands in the URL. */
export function readSort(text: string | undefined, fallback: Sort): Sort {
  if (!text) return fallback
  return text.startsWith('-') ? { by: text.slice(1), descending: true } : { by: text, descending: false }
}

export function sortText({ by, descending }: Sort): string {
  return descending ? `-${by}` : by
}
