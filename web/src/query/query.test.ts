import { describe, expect, test } from 'vitest'
import { contextAt } from './context'
import { distance, referencesOf } from './diagnose'
import { errorPlace } from './error-place'
import { readForm, writeForm } from './form'
import { explorerPath } from './link'
import { tokenize } from './tokens'
import { usualArgs } from './usual-args'
import type { FunctionArg } from '@/api/types'

const kinds = (text: string) => tokenize(text).map(({ kind, text: word }) => `${kind} ${word}`)

describe('tokens', () => {
  test('a query', () => {
    expect(kinds("top(avg:system.load.1{env:a,!role:db} by {host}.rollup(sum, 60), 10, 'mean')")).toEqual([
      'function top',
      'paren (',
      'aggregator avg',
      'colon :',
      'metric system.load.1',
      'brace {',
      'key env',
      'colon :',
      'value a',
      'comma ,',
      'operator !',
      'key role',
      'colon :',
      'value db',
      'brace }',
      'keyword by',
      'brace {',
      'key host',
      'brace }',
      'dot .',
      'function rollup',
      'paren (',
      'name sum',
      'comma ,',
      'number 60',
      'paren )',
      'comma ,',
      'number 10',
      'comma ,',
      "string 'mean'",
      'paren )',
    ])
  })

  test('words, lists and variables in a scope', () => {
    expect(kinds('sum:m{k IN (v1, v-2) AND $env OR url:http://x/y*}')).toEqual([
      'aggregator sum',
      'colon :',
      'metric m',
      'brace {',
      'key k',
      'keyword IN',
      'paren (',
      'value v1',
      'comma ,',
      'value v-2',
      'paren )',
      'keyword AND',
      'variable $env',
      'keyword OR',
      'key url',
      'colon :',
      'value http://x/y*',
      'brace }',
    ])
  })

  test('tokens cover any text in order and never overlap', () => {
    for (const text of ['{{{', "'", 'a:', '%%&&', 'x{a:b', '$', '...', 'avg:m{*} + -3e5']) {
      let end = 0
      for (const token of tokenize(text)) {
        expect(token.from).toBeGreaterThanOrEqual(end)
        expect(token.to).toBeGreaterThan(token.from)
        expect(text.slice(token.from, token.to)).toBe(token.text)
        end = token.to
      }
    }
  })
})

describe('the form', () => {
  test.each([
    'avg:system.load.1{*}',
    'system.load.1{*}',
    'p95:app.latency{env:prod,!role:db} by {host,device}',
    'sum:m{*}.as_count().rollup(sum,60)',
    "top(per_second(avg:m{a:b} by {host}), 10, 'mean', 'desc')",
    'default_zero(sum:m{k IN (v1,v2) AND env:a} by {x}.fill(last,300))',
    'avg:m{$env,service:*web*}',
  ])('%s comes back as it was', (query) => {
    const form = readForm(query)
    expect(form).toBeDefined()
    expect(form && writeForm(form)).toBe(query)
  })

  test('fields', () => {
    expect(readForm("top(avg:m{a:b, c:d} by {host}.as_rate(), 5, 'max', 'asc')")).toEqual({
      aggregator: 'avg',
      metric: 'm',
      scope: ['a:b', 'c:d'],
      by: ['host'],
      methods: [{ name: 'as_rate', args: '' }],
      wraps: [{ name: 'top', args: "5, 'max', 'asc'" }],
    })
  })

  test.each(['avg:m{*} / 2', 'avg:a{*}, avg:b{*}', 'avg:m{', 'avg:m', 'a + b', '((', 'top(avg:m{*}, 5', '1'])(
    '%s is more, or less, than it can show',
    (query) => expect(readForm(query)).toBeUndefined(),
  )

  test('an empty text is an empty form', () => {
    expect(readForm('  ')).toMatchObject({ metric: '', aggregator: 'avg' })
  })
})

describe('what may stand at the caret', () => {
  // `|` marks the caret.
  const at = (marked: string) => {
    const { kind, word, ...rest } = contextAt(marked.replace('|', ''), marked.indexOf('|')) as Record<
      string,
      unknown
    > & { kind: string }
    delete rest.from
    return [kind, word, rest]
  }
  test.each([
    ['|', ['start', '', {}]],
    ['sys|', ['start', 'sys', {}]],
    ['avg:|', ['metric', '', {}]],
    ['avg:system.lo|', ['metric', 'system.lo', {}]],
    ['avg:m{|}', ['tag-key', '', { metric: 'm', purpose: 'scope' }]],
    ['avg:m{ho|}', ['tag-key', 'ho', { metric: 'm', purpose: 'scope' }]],
    ['avg:m{host:|}', ['tag-value', '', { metric: 'm', key: 'host' }]],
    ['avg:m{env:a,host:web|}', ['tag-value', 'web', { metric: 'm', key: 'host' }]],
    ['avg:m{host IN (a, |)}', ['tag-value', '', { metric: 'm', key: 'host' }]],
    ['avg:m{*} by {|}', ['tag-key', '', { metric: 'm', purpose: 'by' }]],
    ['avg:m{*} |', ['after-scope', '', {}]],
    ['avg:m{*}.|', ['method', '', {}]],
    ['avg:m{*}.rol|', ['method', 'rol', {}]],
    ['avg:m{*}.rollup(|)', ['argument', '', { name: 'rollup', position: 0, method: true }]],
    ['top(avg:m{*}, 5, |)', ['argument', '', { name: 'top', position: 2, method: false }]],
    ['top(|)', ['start', '', {}]],
    ['avg:m{*} + avg:|', ['metric', '', {}]],
  ])('%s', (marked, expected) => expect(at(marked)).toEqual(expected))
})

test('references of a query, for finding what does not exist', () => {
  const [reference] = referencesOf('avg:m{host:a,!env:b} by {zone}')
  expect(reference?.metric.text).toBe('m')
  expect(reference?.terms.map(({ key, value }) => `${key.text}=${value?.text ?? ''}`)).toEqual([
    'host=a',
    'env=b',
  ])
  expect(reference?.by.map(({ text }) => text)).toEqual(['zone'])
})

test.each([
  ['unexpected } at character 5', 4],
  ['expected metric at column 1', 0],
  ['bad thing (offset 3)', 3],
  ['no place named', undefined],
  ['too far at character 900', 9],
])('place in: %s', (message, place) => expect(errorPlace(message, '0123456789')).toBe(place))

test('distance', () => {
  expect([distance('host', 'host'), distance('hots', 'host'), distance('', 'abc')]).toEqual([0, 2, 3])
})

test('links to the explorer', () => {
  expect(
    explorerPath({
      queries: [{ name: 'a', query: 'avg:m{*}' }],
      kind: 'bars',
      range: { kind: 'live', span: 3_600_000 },
    }),
  ).toBe('/metrics/explorer?a=avg%3Am%7B*%7D&kind=bars&from=-1h&live=true')
})

describe('what functions are put in with', () => {
  const definition = (name: string, form: 'call' | 'method', args: FunctionArg[]) => ({
    name,
    form,
    args,
    aliases: [],
    family: 'x',
    summary: '',
    usage: '',
  })
  const query: FunctionArg = { name: 'query', kind: 'query', required: true }
  test.each([
    [definition('top', 'call', [query]), "10, 'mean', 'desc'"],
    [definition('rollup', 'method', [query]), 'avg, 60'],
    [definition('abs', 'call', [query]), ''],
    [
      definition('novel', 'call', [
        query,
        { name: 'how', kind: 'choice', required: true, choices: ['one', 'two'] },
        { name: 'many', kind: 'number', required: true },
        { name: 'more', kind: 'text', required: false },
      ]),
      "'one', 1",
    ],
  ])('%j', (given, text) => expect(usualArgs(given)).toBe(text))
})
