// Sizes in words, through the one formatter of values.
import type { UnitPair } from '@/api/types'
import { formatValue } from '@/format/value'

const BYTE: UnitPair = [
  { id: 2, family: 'bytes', name: 'byte', plural: 'bytes', short_name: 'B', scale_factor: 1 },
  null,
]

export const bytesText = (bytes: number): string => formatValue(bytes, BYTE)
