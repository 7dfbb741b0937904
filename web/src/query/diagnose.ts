// Why a query came back empty: which metric, tag or value does not exist, and what is near it.
import type { QueryClient } from '@tanstack/react-query'
import { metricNamesQuery, tagKeysQuery, tagValuesQuery } from '@/api/queries'
import { tokenize } from './tokens'
import type { Token } from './tokens'

export interface Diagnosis {
  text: string
  /** What may have been meant; each with the query rewritten. */
  near: { label: string; query: string }[]
}

const NEAR = 5

/** One metric of a query with the plain `key:value` terms of its scope. */
export interface Reference {
  metric: Token
  terms: { key: Token; value: Token | undefined }[]
  by: Token[]
}

export function referencesOf(query: string): Reference[] {
  const out: Reference[] = []
  let grouping = false
  let open = false
  const tokens = tokenize(query)
  tokens.forEach((token, index) => {
    if (token.kind === 'metric') out.push({ metric: token, terms: [], by: [] })
    if (token.text === '{' && token.kind === 'brace') {
      open = true
      grouping = /^by$/i.test(tokens[index - 1]?.text ?? '')
    }
    if (token.text === '}' && token.kind === 'brace') open = false
    if (token.kind !== 'key' || !open) return
    const current = out.at(-1)
    if (grouping) current?.by.push(token)
    else if (tokens[index + 1]?.kind === 'colon') {
      const value = tokens[index + 2]
      current?.terms.push({ key: token, value: value?.kind === 'value' ? value : undefined })
    }
  })
  return out
}

const replace = (query: string, token: Token, text: string): string =>
  query.slice(0, token.from) + text + query.slice(token.to)

/** Wildcards, negations and variables are not looked up. */
const isPlain = (text: string): boolean => !/[*$]/.test(text)

export async function diagnose(query: string, client: QueryClient): Promise<Diagnosis> {
  for (const reference of referencesOf(query)) {
    const found = await diagnoseReference(query, reference, client)
    if (found) return found
  }
  return { text: 'No points in this time range.', near: [] }
}

async function diagnoseReference(
  query: string,
  reference: Reference,
  client: QueryClient,
): Promise<Diagnosis | undefined> {
  const name = reference.metric.text
  const metrics = await client.fetchQuery(metricNamesQuery(name, NEAR * 2))
  if (!metrics.some((metric) => metric.name === name)) {
    const near = metrics.length > 0 ? metrics : await nearMetrics(name, client)
    return {
      text: `There is no metric named ${name}.`,
      near: near
        .slice(0, NEAR)
        .map((hit) => ({ label: hit.name, query: replace(query, reference.metric, hit.name) })),
    }
  }
  const keys = await client.fetchQuery(tagKeysQuery(name))
  const known = new Set(keys.map(({ key }) => key))
  for (const token of [...reference.terms.map(({ key }) => key), ...reference.by]) {
    if (known.has(token.text) || !isPlain(token.text)) continue
    const near = closest(token.text, [...known])
    return {
      text: `${name} has no tag ${token.text}.`,
      near: near.map((key) => ({ label: key, query: replace(query, token, key) })),
    }
  }
  for (const { key, value } of reference.terms) {
    if (!value || !isPlain(value.text)) continue
    const found = await client.fetchQuery(tagValuesQuery(name, key.text, value.text, NEAR * 2))
    if (found.includes(value.text)) continue
    const near = found.length > 0 ? found : await client.fetchQuery(tagValuesQuery(name, key.text, '', NEAR))
    return {
      text: `${name} has no ${key.text}:${value.text}.`,
      near: near
        .slice(0, NEAR)
        .map((text) => ({ label: `${key.text}:${text}`, query: replace(query, value, text) })),
    }
  }
  return undefined
}

/** Nothing matches the whole name: what shares its beginning. */
async function nearMetrics(name: string, client: QueryClient) {
  const parts = name.split('.')
  for (let length = parts.length - 1; length > 0; length--) {
    const found = await client.fetchQuery(metricNamesQuery(parts.slice(0, length).join('.'), NEAR))
    if (found.length > 0) return found
  }
  return client.fetchQuery(metricNamesQuery('', NEAR))
}

function closest(wanted: string, known: string[]): string[] {
  const score = (text: string) => distance(wanted, text) - (text.includes(wanted) ? wanted.length : 0)
  return known.sort((left, right) => score(left) - score(right)).slice(0, NEAR)
}

/** Levenshtein: how many letters apart two words are. */
export function distance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let i = 1; i <= left.length; i++) {
    const next = [i]
    for (let j = 1; j <= right.length; j++) {
      const same = left[i - 1] === right[j - 1] ? 0 : 1
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same))
    }
    row = next
  }
  return row[right.length] ?? 0
}
