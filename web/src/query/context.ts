// What could stand at the caret: decides which completions are asked for.
import { tokenize } from './tokens'
import type { Token } from './tokens'

export type CaretContext =
  | { kind: 'start'; from: number; word: string }
  | { kind: 'metric'; from: number; word: string }
  | { kind: 'tag-key'; from: number; word: string; metric: string; purpose: 'scope' | 'by' }
  | { kind: 'tag-value'; from: number; word: string; metric: string; key: string }
  | { kind: 'method'; from: number; word: string }
  | { kind: 'after-scope'; from: number; word: string }
  | { kind: 'argument'; from: number; word: string; name: string; position: number; method: boolean }

/** The token that ends at or holds the caret, and those before it. */
function upTo(text: string, caret: number): Token[] {
  return tokenize(text.slice(0, caret))
}

const WORD_KINDS = new Set(['metric', 'name', 'aggregator', 'function', 'key', 'value', 'keyword', 'number'])

export function contextAt(text: string, caret: number): CaretContext {
  const tokens = upTo(text, caret)
  const last = tokens.at(-1)
  const touching = last !== undefined && last.to === caret && WORD_KINDS.has(last.kind)
  const word = touching ? last.text : ''
  const from = touching ? last.from : caret
  const before = touching ? tokens.slice(0, -1) : tokens
  const open = openBrace(before)
  if (open !== undefined) return inBraces(before, open, from, word)
  const previous = before.at(-1)
  if (previous?.kind === 'dot' && before.at(-2) !== undefined) return { kind: 'method', from, word }
  if (previous?.kind === 'colon') return { kind: 'metric', from, word }
  const call = openCall(before)
  if (call && (call.position > 0 || call.method)) return { kind: 'argument', from, word, ...call }
  if (previous?.text === '}' && last?.text !== word) return { kind: 'after-scope', from, word }
  if (previous?.text === '}') return { kind: 'after-scope', from, word }
  return { kind: 'start', from, word }
}

function openBrace(tokens: readonly Token[]): number | undefined {
  for (let index = tokens.length - 1; index >= 0; index--) {
    const text = tokens[index]?.kind === 'brace' ? tokens[index]?.text : ''
    if (text === '}') return undefined
    if (text === '{') return index
  }
  return undefined
}

function inBraces(tokens: readonly Token[], open: number, from: number, word: string): CaretContext {
  const grouping = /^by$/i.test(tokens[open - 1]?.text ?? '')
  const metric = metricBefore(tokens, open)
  const previous = tokens.at(-1)
  if (previous?.kind === 'colon' && !grouping) {
    return { kind: 'tag-value', from, word, metric, key: tokens.at(-2)?.text ?? '' }
  }
  const listKey = keyOfList(tokens, open)
  if (listKey !== undefined) return { kind: 'tag-value', from, word, metric, key: listKey }
  return { kind: 'tag-key', from, word, metric, purpose: grouping ? 'by' : 'scope' }
}

/** `key IN (…`: the key whose values the list holds. */
function keyOfList(tokens: readonly Token[], open: number): string | undefined {
  for (let index = tokens.length - 1; index > open; index--) {
    const text = tokens[index]?.text
    if (text === ')') return undefined
    if (text === '(') {
      if (!/^in$/i.test(tokens[index - 1]?.text ?? '')) return undefined
      const before = tokens[index - 2]
      return /^not$/i.test(before?.text ?? '') ? tokens[index - 3]?.text : before?.text
    }
  }
  return undefined
}

function metricBefore(tokens: readonly Token[], open: number): string {
  for (let index = open; index >= 0; index--) {
    if (tokens[index]?.kind === 'metric') return tokens[index]?.text ?? ''
  }
  return ''
}

/** The innermost call around the end of the tokens and which of its arguments stands there. */
function openCall(tokens: readonly Token[]): { name: string; position: number; method: boolean } | undefined {
  let depth = 0
  let position = 0
  for (let index = tokens.length - 1; index >= 0; index--) {
    const token = tokens[index]
    if (token?.text === ')' || token?.text === '}') depth += 1
    else if (token?.text === '{') depth -= 1
    else if (token?.kind === 'comma' && depth === 0) position += 1
    else if (token?.text === '(') {
      if (depth > 0) {
        depth -= 1
        continue
      }
      const callee = tokens[index - 1]
      if (callee?.kind !== 'function') return undefined
      return { name: callee.text, position, method: tokens[index - 2]?.kind === 'dot' }
    }
  }
  return undefined
}
