import { expect, test } from 'vitest'
import { besideYaml, datadogYaml, installCommand, quoted, tagList } from './snippets'

const options = { origin: 'https://galgo.example', apiKey: 'abc', tags: '', takeOver: false }

test('the command fetches the script with the key and passes it on', () => {
  expect(installCommand(options)).toBe(
    String.raw`curl -fsSL -H "DD-API-KEY: abc" \
  https://galgo.example/api/galgo/v1/agent/install.sh \
  | sudo GALGO_URL=https://galgo.example \
    GALGO_API_KEY=abc \
    sh`,
  )
})

test('tags and the old configuration are options', () => {
  const command = installCommand({ ...options, tags: 'env:prod, team:a b', takeOver: true })
  expect(command).toContain('GALGO_TAGS=env:prod,team:a,b \\\n    GALGO_TAKE_OVER=1 \\\n    sh')
})

test.each([
  ['env:prod', 'env:prod'],
  ["it's", `'it'\\''s'`],
  ['<API key>', `'<API key>'`],
  ['$(rm -rf /)', `'$(rm -rf /)'`],
])('%s is quoted for a shell', (text, expected) => expect(quoted(text)).toBe(expected))

test('tags are read however they are typed', () => {
  expect(tagList(' env:a,  team:b c:d ')).toBe('env:a,team:b,c:d')
})

test('the agent of Datadog is pointed here', () => {
  const yaml = datadogYaml('https://galgo.example', 'abc', 'env:a')
  expect(yaml).toContain('dd_url: https://galgo.example\ntags: ["env:a"]\nlogs_config:')
  expect(datadogYaml('https://galgo.example', 'abc', '')).not.toContain('tags')
  expect(besideYaml('https://galgo.example', 'abc')).toContain('"https://galgo.example":\n    - abc')
})
