import { describe, expect, test } from 'vitest'
import type { Unit, UnitPair } from '@/api/types'
import cases from './value-cases.json'
import { countText, formatValue, ticks } from './value'

const UNITS: Record<string, [family: string, short: string, scale: number]> = {
  bit: ['bytes', 'b', 0.125],
  byte: ['bytes', 'B', 1],
  kibibyte: ['bytes', 'KiB', 1024],
  mebibyte: ['bytes', 'MiB', 1024 ** 2],
  second: ['time', 's', 1],
  millisecond: ['time', 'ms', 1e-3],
  percent: ['percentage', '%', 1],
  fraction: ['percentage', '', 100],
  request: ['network', 'req', 1],
  host: ['system', '', 1],
}

function unit(name: string): Unit | null {
  const known = UNITS[name]
  if (!known) return null
  const [family, short, scale] = known
  return { id: 1, family, name, plural: `${name}s`, short_name: short, scale_factor: scale }
}

const pair = (of: string, per = ''): UnitPair => [unit(of), unit(per)]

describe('values', () => {
  test.each(cases.values as [number, string, string, string][])('%d %s %s is %s', (value, of, per, text) => {
    expect(formatValue(value, pair(of, per))).toBe(text)
  })

  test('nothing, and what is not finite', () => {
    expect([null, undefined, NaN, Infinity, -Infinity].map((value) => formatValue(value))).toEqual([
      '–',
      '–',
      '–',
      '∞',
      '−∞',
    ])
  })

  test('counts', () => {
    expect([countText(1, 'host'), countText(1200, 'host')]).toEqual(['1 host', '1.2k hosts'])
  })
})

describe('ticks', () => {
  test.each(cases.ticks as [number, number, number, string, string[]][])(
    '%d to %d in %d of %s',
    (min, max, count, of, labels) => {
      expect(ticks(min, max, count, pair(of)).labels).toEqual(labels)
    },
  )

  test('labels of one axis differ from each other and values ascend, whatever the range', () => {
    for (let power = -9; power < 15; power++) {
      for (const [low, high] of [
        [0, 1.7],
        [3, 3.9],
        [-4.1, 8.8],
      ] as const) {
        for (const name of ['', 'byte', 'second', 'percent']) {
          const { labels, values } = ticks(low * 10 ** power, high * 10 ** power, 5, pair(name))
          expect(new Set(labels).size, `${low}e${power} ${name}: ${labels.join(' ')}`).toBe(labels.length)
          expect([...values].sort((left, right) => left - right)).toEqual(values)
        }
      }
    }
  })
})
