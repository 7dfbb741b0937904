import { expect, test } from 'vitest'
import { csvField } from './csv'

test.each([
  ['web-1', 'web-1'],
  ['a,b', '"a,b"'],
  ['say "hi"', '"say ""hi"""'],
  ['=cmd()', "'=cmd()"],
  [1.5, '1.5'],
  [undefined, ''],
])('%s becomes the field %s', (value, field) => {
  expect(csvField(value)).toBe(field)
})
