import { describe, expect, test } from 'vitest'
import type { TimeseriesAnswer } from '@/api/types'
import { SERIES_COLORS } from '@/tokens'
import { colorOf, colorsFor, shade } from './color'
import { previousWindow, withPrevious } from './compare'
import { csvOf, fileName } from './export'
import { frameOf, intervalOf } from './frame'
import { isolate, toggle } from './legend-state'
import { axisRange, lonely, planOf } from './plan'
import type { GraphStyle } from './plan'
import { decimate, markGaps, stack, withSilences } from './shape'
import { statsOf } from './stats'

const LINE: GraphStyle = { kind: 'line', stacked: false, fromZero: true }

type Rows = [tags: string[], values: (number | null)[]][]

function answer(times: number[], rows: Rows): TimeseriesAnswer {
  const series = rows.map(([group_tags]) => ({ group_tags, query_index: 0, unit: null }))
  const values = rows.map(([, row]) => row)
  return { data: { id: '0', type: 'timeseries_response', attributes: { series, times, values } } }
}

const frame = (times: number[], rows: Rows) =>
  frameOf([{ name: 'a', label: 'm', answer: answer(times, rows) }])

describe('colours', () => {
  test('the same group has the same hue on every graph', () => {
    expect(colorOf('host:a')).toBe(colorOf('host:a'))
    const alone = colorsFor([{ group: 'host:a', label: '' }])
    const among = colorsFor(['host:0', 'host:a', 'host:z'].map((group) => ({ group, label: group })))
    expect(alone[0]).toBe(colorOf('host:a'))
    expect(SERIES_COLORS).toContain(alone[0])
    expect(new Set(among).size).toBe(3)
  })

  test('hashes are pinned: a change would repaint every graph', () => {
    expect(
      ['host:a', 'host:b', 'host:c', 'env:prod', 'service:web'].map((group) =>
        SERIES_COLORS.indexOf(colorOf(group)),
      ),
    ).toMatchInlineSnapshot(`
      [
        2,
        3,
        0,
        8,
        0,
      ]
    `)
  })

  test('all hues are in use over many hosts', () => {
    const counts = new Map<string, number>()
    for (let index = 0; index < 1200; index++) {
      const hue = colorOf(`host:web-${index}`)
      counts.set(hue, (counts.get(hue) ?? 0) + 1)
    }
    expect(counts.size).toBe(SERIES_COLORS.length)
    expect(Math.max(...counts.values())).toBeLessThan(200)
  })

  test('series without a group do not share a hue', () => {
    const names = ['user', 'system', 'I/O wait', 'idle', 'used', 'free'].map((label) => ({
      group: '',
      label,
    }))
    expect(new Set(colorsFor(names)).size).toBe(names.length)
  })

  test('shades', () => {
    expect([shade('#808080', 0.5), shade('#808080', -0.5), shade('#123456', 0)]).toEqual([
      '#c0c0c0',
      '#404040',
      '#123456',
    ])
  })
})

describe('frames', () => {
  test('several answers share one time axis', () => {
    const merged = frameOf([
      { name: 'a', label: 'one', answer: answer([0, 10, 20], [[[], [1, 2, 3]]]) },
      { name: 'b', label: 'two', answer: answer([10, 30], [[['host:x'], [7, 8]]]) },
    ])
    expect(merged.times).toEqual([0, 10, 20, 30])
    expect(merged.series.map(({ label, values }) => [label, values])).toEqual([
      ['one', [1, 2, 3, null]],
      ['b · host:x', [null, 7, null, 8]],
    ])
  })

  test('the interval is the commonest distance', () => {
    expect([intervalOf([0, 20, 40, 100]), intervalOf([5]), intervalOf([])]).toEqual([20, 0, 0])
  })
})

describe('gaps', () => {
  test('points that come at their own pace are joined, a longer silence is not', () => {
    const times = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    const values = [1, null, 2, null, 3, null, null, null, null, null, null, 4, 5]
    expect(markGaps(values, times)).toEqual([
      1,
      undefined,
      2,
      undefined,
      3,
      null,
      null,
      null,
      null,
      null,
      null,
      4,
      5,
    ])
  })

  test('buckets that the answer leaves out come back empty', () => {
    expect(withSilences([0, 10, 40], [[1, 2, 3]], 10)).toEqual({
      times: [0, 10, 20, 30, 40],
      rows: [[1, 2, null, null, 3]],
    })
  })

  test('a wrong interval costs nothing', () => {
    expect(withSilences([0, 1e9], [[1, 2]], 1).times).toEqual([0, 1e9])
  })

  test('a point without neighbours is drawn as a dot', () => {
    expect(lonely([null, 5, null, 1, 2, null, undefined, 7])).toEqual([1, 7])
    expect(lonely([1, undefined, 2])).toEqual([])
  })
})

describe('plans', () => {
  test('stacks add up and are painted from the top', () => {
    expect(
      stack([
        [1, 2],
        [10, null],
        [100, 200],
      ]),
    ).toEqual([
      [1, 2],
      [11, null],
      [111, 202],
    ])
    const plan = planOf(
      frame(
        [0, 10],
        [
          [['h:a'], [1, 2]],
          [['h:b'], [3, 4]],
        ],
      ),
      { ...LINE, kind: 'area', stacked: true },
      new Set(),
      500,
    )
    expect([plan.rows, plan.order]).toEqual([
      [
        [4, 6],
        [1, 2],
      ],
      [1, 0],
    ])
  })

  test('hidden series are not drawn', () => {
    const shown = frame(
      [0],
      [
        [['h:a'], [1]],
        [['h:b'], [3]],
      ],
    )
    expect(planOf(shown, LINE, new Set([shown.series[0]?.key ?? '']), 500).order).toEqual([1])
  })

  test('the axis starts at zero unless told otherwise', () => {
    const plan = planOf(frame([0, 10], [[[], [100, 200]]]), LINE, new Set(), 500)
    expect(axisRange(plan, 0, true)[0]).toBe(0)
    expect(axisRange(plan, 0, false)[0]).toBeGreaterThan(90)
    expect(axisRange(planOf(frame([], []), LINE, new Set(), 500), 0, true)).toEqual([0, 1.06])
  })

  test('thinning keeps every peak', () => {
    const times = Array.from({ length: 10_000 }, (_, index) => index)
    const row = times.map((time) => (time === 7777 ? 1000 : time % 7))
    const thin = decimate(times, [row], 300)
    expect(thin.times.length).toBeLessThan(620)
    expect(Math.max(...(thin.rows[0] as number[]))).toBe(1000)
    expect(Math.min(...(thin.rows[0] as number[]))).toBe(0)
  })
})

describe('comparing with the period before', () => {
  const now = frame(
    [100, 110],
    [
      [['h:a'], [1, 2]],
      [['h:b'], [3, 4]],
    ],
  )
  const before = frame(
    [0, 10],
    [
      [['h:a'], [5, 6]],
      [['h:b'], [7, null]],
    ],
  )

  test('the earlier series are moved onto the present ones in their colours', () => {
    const both = withPrevious(now, before, 100, false)
    expect(both.times).toEqual([100, 110])
    expect(both.series.map(({ label, previous, values }) => [label, previous, values])).toEqual([
      ['h:a', undefined, [1, 2]],
      ['h:b', undefined, [3, 4]],
      ['h:a, previous period', true, [5, 6]],
      ['h:b, previous period', true, [7, null]],
    ])
    expect(both.series[2]?.color).toBe(both.series[0]?.color)
  })

  test('a stack is compared by its total, which is not stacked', () => {
    const both = withPrevious(now, before, 100, true)
    expect(both.series.at(-1)?.values).toEqual([12, 6])
    const plan = planOf(both, { ...LINE, kind: 'area', stacked: true }, new Set(), 500)
    expect([plan.rows, plan.inStack]).toEqual([
      [
        [4, 6],
        [1, 2],
        [12, 6],
      ],
      2,
    ])
  })

  test('the window', () => {
    expect(previousWindow({ from: 100, to: 160 })).toEqual({ from: 40, to: 100 })
  })
})

describe('legend', () => {
  test('numbers', () => {
    expect(statsOf([null, 2, 4, null])).toEqual({ avg: 3, min: 2, max: 4, sum: 6, last: 4 })
    expect(statsOf([null])).toEqual({ avg: null, min: null, max: null, sum: null, last: null })
  })

  test('a click isolates and brings all back, a double click toggles', () => {
    const keys = ['a', 'b', 'c']
    const alone = isolate(keys, new Set(), 'b')
    expect([...alone]).toEqual(['a', 'c'])
    expect([...isolate(keys, alone, 'b')]).toEqual([])
    expect([...isolate(keys, alone, 'c')]).toEqual(['a', 'b'])
    expect([...toggle(new Set(['a']), 'a')]).toEqual([])
    expect([...toggle(new Set(), 'a')]).toEqual(['a'])
  })
})

describe('files', () => {
  test('CSV quotes what needs it', () => {
    expect(
      csvOf(
        frame(
          [0, 1000],
          [
            [['k:a,b'], [1, null]],
            [['k:"c"'], [0.5, 2]],
          ],
        ),
      ),
    ).toBe('time,"k:a,b","k:""c"""\r\n1970-01-01T00:00:00.000Z,1,0.5\r\n1970-01-01T00:00:01.000Z,,2\r\n')
  })

  test('names', () => {
    expect([fileName('avg:system.load.1{*}', 'csv'), fileName('***', 'png')]).toEqual([
      'avg-system-load-1.csv',
      'graph.png',
    ])
  })
})
