import { expect, test } from 'vitest'
import { PLACEHOLDERS, snippetsFor } from './snippets'

const ORIGIN = 'https://galgo.example:8443'

test('every snippet that needs them names the server and the keys', () => {
  const secrets = { apiKey: 'a'.repeat(32), appKey: 'b'.repeat(40) }
  for (const { id, text } of snippetsFor(ORIGIN, secrets)) {
    if (id === 'statsd') continue
    expect(text, id).toContain(ORIGIN)
    expect(text, id).toContain(secrets.apiKey)
    expect(text, id).not.toContain('<')
  }
})

test('without a key its place is marked', () => {
  const curl = snippetsFor(ORIGIN, PLACEHOLDERS).find(({ id }) => id === 'curl')
  expect(curl?.text).toContain("DD-API-KEY: <API key>'")
})
