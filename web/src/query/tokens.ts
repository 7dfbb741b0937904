// Splits a metric query into tokens; the editor's colours, the form and completion all read these.
export type TokenKind =
  | 'aggregator'
  | 'metric'
  | 'function'
  | 'key'
  | 'value'
  | 'variable'
  | 'keyword'
  | 'number'
  | 'string'
  | 'operator'
  | 'brace'
  | 'paren'
  | 'comma'
  | 'dot'
  | 'colon'
  | 'name'
  | 'unknown'

export interface Token {
  kind: TokenKind
  text: string
  from: number
  to: number
}

const KEYWORDS = /^(and|or|not|in|by)$/i
const SPACE = /\s+/y
const NUMBER = /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/y
const WORD = /[A-Za-z_][\w.-]*/y
const STRING = /'[^']*'?|"[^"]*"?/y
const VARIABLE = /\$[\w.-]+/y
/** Inside braces values may hold nearly anything. */
const SCOPE_WORD = /[^\s{},()!:&|$]+/y
const SCOPE_VALUE = /[^\s{},()!&|]+/y

const SINGLE: Record<string, TokenKind> = {
  '{': 'brace',
  '}': 'brace',
  '(': 'paren',
  ')': 'paren',
  ',': 'comma',
}

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}

/** What a tokenizer carries from one token to the next. */
interface State {
  /** Inside `{…}` of a scope, of a `by` list, or outside of braces. */
  braces: 'none' | 'scope' | 'by'
  previous: Token | undefined
  /** Inside the list of `key IN (v1, v2)`. */
  list: boolean
}

/** Never fails: what fits nothing is `unknown`. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  const state: State = { braces: 'none', previous: undefined, list: false }
  let at = 0
  while (at < text.length) {
    const space = match(SPACE, text, at)
    if (space !== undefined) {
      at += space.length
      continue
    }
    const token = state.braces === 'none' ? plainToken(text, at, state) : braceToken(text, at, state)
    tokens.push(token)
    state.previous = token
    at = token.to
  }
  return tokens
}

function make(kind: TokenKind, text: string, from: number): Token {
  return { kind, text, from, to: from + text.length }
}

function plainToken(text: string, at: number, state: State): Token {
  const char = text[at] ?? ''
  if (char === '{') state.braces = /^by$/i.test(state.previous?.text ?? '') ? 'by' : 'scope'
  const single = SINGLE[char]
  if (single) return make(single, char, at)
  if (char === '.') return make('dot', char, at)
  if (char === ':') return make('colon', char, at)
  if ('+-*/'.includes(char)) return make('operator', char, at)
  const string = match(STRING, text, at)
  if (string !== undefined) return make('string', string, at)
  const number = match(NUMBER, text, at)
  if (number !== undefined) return make('number', number, at)
  const variable = match(VARIABLE, text, at)
  if (variable !== undefined) return make('variable', variable, at)
  const word = match(WORD, text, at)
  if (word === undefined) return make('unknown', char, at)
  return make(wordKind(word, text, at, state), word, at)
}

function wordKind(word: string, text: string, at: number, state: State): TokenKind {
  const after = text.slice(at + word.length).trimStart()[0]
  if (after === '(') return 'function'
  if (after === '{' && /^by$/i.test(word)) return 'keyword'
  if (after === ':' && state.previous?.kind !== 'colon') return 'aggregator'
  if (after === '{' || state.previous?.kind === 'colon') return 'metric'
  return 'name'
}

function braceToken(text: string, at: number, state: State): Token {
  const char = text[at] ?? ''
  if (char === '}') state.braces = 'none'
  if (char === '(') state.list = /^in$/i.test(state.previous?.text ?? '')
  if (char === ')' || char === '}') state.list = false
  const single = SINGLE[char]
  if (single) return make(single, char, at)
  if (char === '!' || char === '&' || char === '|') {
    const symbol = match(/&&|\|\||[!&|]/y, text, at) ?? char
    return make('operator', symbol, at)
  }
  if (char === ':') return make('colon', char, at)
  const variable = match(VARIABLE, text, at)
  if (variable !== undefined) return make('variable', variable, at)
  if (state.previous?.kind === 'colon' && state.previous.to === at) {
    return make('value', match(SCOPE_VALUE, text, at) ?? char, at)
  }
  const word = match(SCOPE_WORD, text, at)
  if (word === undefined) return make('unknown', char, at)
  if (KEYWORDS.test(word)) return make('keyword', word, at)
  return make(state.list ? 'value' : 'key', word, at)
}
