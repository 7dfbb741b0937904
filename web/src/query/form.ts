// The form beside the editor: reads the queries that it can show field by field, and writes them back.
// `f(g(agg:metric{scope} by {keys}.method(args), args), args)` fits; arithmetic and several queries do not.
import { tokenize } from './tokens.ts'
import type { Token } from './tokens.ts'

export interface Call {
  name: string
  /** What stands between the parentheses besides the query itself, as written. */
  args: string
}

export interface QueryForm {
  /** `avg`, `sum`, `p95`, …; empty when the query names none. */
  aggregator: string
  metric: string
  /** Terms of the scope; empty for `{*}`. */
  scope: string[]
  /** Keys to group by. */
  by: string[]
  /** `.rollup(sum, 60)`, `.as_rate()`, in their order. */
  methods: Call[]
  /** Functions around the query, the innermost first. */
  wraps: Call[]
}

export const EMPTY_FORM: QueryForm = {
  aggregator: 'avg',
  metric: '',
  scope: [],
  by: [],
  methods: [],
  wraps: [],
}

class Reader {
  private at = 0

  constructor(
    readonly text: string,
    private readonly tokens: Token[],
  ) {}

  peek(offset = 0): Token | undefined {
    return this.tokens[this.at + offset]
  }

  next(): Token | undefined {
    return this.tokens[this.at++]
  }

  take(text: string): Token | undefined {
    return this.peek()?.text === text ? this.next() : undefined
  }

  get done(): boolean {
    return this.at >= this.tokens.length
  }

  /** Everything up to the brace or parenthesis that closes the one just taken; takes it too. */
  untilClose(open: string, close: string): { inner: string; parts: string[] } | undefined {
    const start = this.peek()?.from ?? this.text.length
    let depth = 0
    let partStart = start
    const parts: string[] = []
    for (let token = this.next(); token; token = this.next()) {
      if (token.text === open) depth += 1
      if (token.text === close) {
        if (depth === 0) {
          parts.push(this.text.slice(partStart, token.from).trim())
          return {
            inner: this.text.slice(start, token.from).trim(),
            parts: parts.filter((part) => part !== ''),
          }
        }
        depth -= 1
      }
      if (token.kind === 'comma' && depth === 0) {
        parts.push(this.text.slice(partStart, token.from).trim())
        partStart = token.to
      }
    }
    return undefined
  }
}

function readCore(reader: Reader): QueryForm | undefined {
  let aggregator = ''
  if (reader.peek()?.kind === 'aggregator') {
    aggregator = reader.next()?.text ?? ''
    if (!reader.take(':')) return undefined
  }
  const metric = reader.next()
  if (metric?.kind !== 'metric' || !reader.take('{')) return undefined
  const scope = readScope(reader)
  if (!scope) return undefined
  let by: string[] = []
  if (/^by$/i.test(reader.peek()?.text ?? '')) {
    reader.next()
    if (!reader.take('{')) return undefined
    const keys = reader.untilClose('{', '}')
    if (!keys) return undefined
    by = keys.parts
  }
  const methods: Call[] = []
  while (reader.take('.')) {
    const method = readMethod(reader)
    if (!method) return undefined
    methods.push(method)
  }
  return { aggregator, metric: metric.text, scope, by, methods, wraps: [] }
}

/** Commas split terms; a scope with words between its terms is one term, as written. */
function readScope(reader: Reader): string[] | undefined {
  const scope = reader.untilClose('{', '}')
  if (!scope) return undefined
  const terms = /\s(and|or|in)\s|&&|\|\|/i.test(scope.inner) ? [scope.inner] : scope.parts
  return terms.filter((term) => term !== '*')
}

function readMethod(reader: Reader): Call | undefined {
  const name = reader.next()
  if (name?.kind !== 'function' || !reader.take('(')) return undefined
  const args = reader.untilClose('(', ')')
  return args && { name: name.text, args: args.inner }
}

function readCall(reader: Reader): QueryForm | undefined {
  if (reader.peek()?.kind !== 'function') return readCore(reader)
  const name = reader.next()
  if (!reader.take('(')) return undefined
  const inner = readCall(reader)
  if (!inner || !name) return undefined
  const hasArgs = reader.take(',') !== undefined
  const args = reader.untilClose('(', ')')
  if (!args || (!hasArgs && args.inner !== '')) return undefined
  inner.wraps.push({ name: name.text, args: args.inner })
  return inner
}

/** The form of a query, or undefined when the form cannot show it. */
export function readForm(text: string): QueryForm | undefined {
  if (text.trim() === '') return { ...EMPTY_FORM }
  const reader = new Reader(text, tokenize(text))
  const form = readCall(reader)
  return form && reader.done ? form : undefined
}

export function writeForm(form: QueryForm): string {
  if (form.metric === '') return ''
  const aggregator = form.aggregator === '' ? '' : `${form.aggregator}:`
  const scope = form.scope.length === 0 ? '*' : form.scope.join(',')
  const by = form.by.length === 0 ? '' : ` by {${form.by.join(',')}}`
  const methods = form.methods.map(({ name, args }) => `.${name}(${args})`).join('')
  const core = `${aggregator}${form.metric}{${scope}}${by}${methods}`
  return form.wraps.reduce(
    (inner, { name, args }) => `${name}(${inner}${args === '' ? '' : `, ${args}`})`,
    core,
  )
}
