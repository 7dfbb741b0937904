// The page completes units from a table of its own; it must be the server's.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { isUnit, UNITS, unitsLike } from '../src/metrics-summary/units'

const SERVER = fileURLToPath(new URL('../../crates/core/src/units.rs', import.meta.url))

test('the table is the one of the server', () => {
  const rows = readFileSync(SERVER, 'utf8').matchAll(
    /^\s*unit\(\d+, "([^"]*)", "([^"]*)", "[^"]*", "([^"]*)"/gm,
  )
  const server = [...rows].map(([, family, name, short]) => ({ name, family, short }))
  expect(UNITS).toEqual(server)
  expect(server.length).toBeGreaterThan(100)
})

test('what begins with the text comes before what contains it, families last', () => {
  const names = unitsLike('byte').map(({ name }) => name)
  expect(names[0]).toBe('byte')
  expect(names).toContain('mebibyte')
  expect(unitsLike('ms')[0]?.name).toBe('millisecond')
  expect(unitsLike('time').map(({ name }) => name)).toContain('second')
  expect(isUnit('byte')).toBe(true)
  expect(isUnit('bytes')).toBe(false)
})
