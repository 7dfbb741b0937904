// Completion of metric queries: metrics, tag keys and values, functions, as the caret's place asks for.
import { insertCompletionText, snippetCompletion, startCompletion } from '@codemirror/autocomplete'
import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete'
import type { EditorView } from '@codemirror/view'
import type { QueryClient } from '@tanstack/react-query'
import { functionsQuery, metricNamesQuery, tagKeysQuery, tagValuesQuery } from '@/api/queries'
import type { QueryFunction } from '@/api/types'
import { contextAt } from './context'
import type { CaretContext } from './context'
import { ownArgs, usualArgs } from './usual-args'

export const AGGREGATORS: readonly [name: string, summary: string][] = [
  ['avg', 'mean of the group'],
  ['sum', 'sum of the group'],
  ['min', 'lowest of the group'],
  ['max', 'highest of the group'],
  ['count', 'how many'],
  ['p50', 'median, for distributions'],
  ['p75', '75th percentile, for distributions'],
  ['p90', '90th percentile, for distributions'],
  ['p95', '95th percentile, for distributions'],
  ['p99', '99th percentile, for distributions'],
]

const METRIC_LIMIT = 200
const VALUE_LIMIT = 200
const REOPEN_MS = 20
/** While this is typed, a complete list stays the same list. */
const WORD = /^[\w./-]*$/

/** Puts text in and asks for what comes next. */
function thenMore(text: string, selectBack = 0) {
  return (view: EditorView, completion: Completion, from: number, to: number) => {
    view.dispatch(insertCompletionText(view.state, text, from, to))
    const end = from + text.length
    if (selectBack > 0) view.dispatch({ selection: { anchor: end - selectBack, head: end - selectBack + 1 } })
    // After the list that was chosen from has closed; asked for at once, the request would close with it.
    const { doc } = view.state
    if (completion.type !== 'value')
      setTimeout(() => view.state.doc === doc && startCompletion(view), REOPEN_MS)
  }
}

function metricOptions(
  hits: readonly { name: string; type: string | null; unit: string | null }[],
  prefix: string,
  tail: boolean,
) {
  return hits.map(({ name, type, unit }): Completion => {
    const text = `${prefix}${name}${tail ? '{*}' : ''}`
    return {
      label: name,
      type: 'metric',
      detail: [type, unit].filter(Boolean).join(', '),
      apply: tail ? thenMore(text, 2) : text,
    }
  })
}

function functionOptions(functions: readonly QueryFunction[]): Completion[] {
  return functions
    .filter(({ form }) => form === 'call')
    .map((definition) => {
      const { name, summary, family } = definition
      const rest = usualArgs(definition)
      const template = `${name}(#{}${rest === '' ? '' : `, ${rest}`})`
      return snippetCompletion(template, {
        label: name,
        type: 'function',
        detail: family,
        info: summary,
        boost: -1,
      })
    })
}

function methodOptions(functions: readonly QueryFunction[], dot: string): Completion[] {
  return functions
    .filter(({ form }) => form === 'method')
    .map((definition) => ({
      label: `${dot}${definition.name}`,
      type: 'function',
      apply: `${dot}${definition.name}(${usualArgs(definition)})`,
      info: definition.summary,
    }))
}

interface Place {
  client: QueryClient
  /** What follows the caret, without blanks. */
  after: string
}

/** `partial`: the server had more, so typing on must ask again; otherwise what was found is filtered here. */
type Options = { options: Completion[]; partial?: boolean } | null

async function optionsFor(at: CaretContext, { client, after }: Place): Promise<Options> {
  const word = at.word === '*' ? '' : at.word
  switch (at.kind) {
    case 'metric': {
      const hits = await client.fetchQuery(metricNamesQuery(word, METRIC_LIMIT))
      return {
        options: metricOptions(hits, '', !after.startsWith('{')),
        partial: hits.length >= METRIC_LIMIT,
      }
    }
    case 'start':
      return startOptions(word, client)
    case 'tag-key': {
      const keys = await client.fetchQuery(tagKeysQuery(at.metric))
      const colon = at.purpose === 'scope' && !after.startsWith(':')
      return {
        options: keys.map(({ key, values }) => ({
          label: key,
          type: 'key',
          detail: `${values} ${values === 1 ? 'value' : 'values'}`,
          boost: key === 'host' ? 1 : 0,
          apply: colon ? thenMore(`${key}:`) : key,
        })),
      }
    }
    case 'tag-value': {
      const values = await client.fetchQuery(
        tagValuesQuery(at.metric, at.key, word.replaceAll('*', ''), VALUE_LIMIT),
      )
      return {
        options: values.map((value) => ({ label: value, type: 'value' })),
        partial: values.length >= VALUE_LIMIT,
      }
    }
    case 'method':
      return { options: methodOptions(await client.fetchQuery(functionsQuery), '') }
    case 'after-scope': {
      const methods = methodOptions(await client.fetchQuery(functionsQuery), '.')
      const by: Completion = snippetCompletion('by {#{}}', {
        label: 'by',
        type: 'keyword',
        detail: 'group by tags',
      })
      return { options: [by, ...methods] }
    }
    case 'argument':
      return argumentOptions(at, await client.fetchQuery(functionsQuery))
  }
}

async function startOptions(word: string, client: QueryClient): Promise<Options> {
  const [hits, functions] = await Promise.all([
    client.fetchQuery(metricNamesQuery(word, METRIC_LIMIT)),
    client.fetchQuery(functionsQuery),
  ])
  const aggregators = AGGREGATORS.map(([name, summary]): Completion => ({
    label: `${name}:`,
    type: 'keyword',
    detail: summary,
    apply: thenMore(`${name}:`),
  }))
  const options = [...aggregators, ...metricOptions(hits, 'avg:', true), ...functionOptions(functions)]
  const partial = hits.length >= METRIC_LIMIT
  const low = word.toLowerCase()
  const named = partial ? options.filter(({ label }) => label.toLowerCase().includes(low)) : options
  return { options: named, partial }
}

function argumentOptions(
  at: CaretContext & { kind: 'argument' },
  functions: readonly QueryFunction[],
): Options {
  const form = at.method ? 'method' : 'call'
  const called = functions.find((candidate) => candidate.name === at.name && candidate.form === form)
  // In a call the query is the argument at 0; before a method it stands outside.
  const position = at.method ? at.position : at.position - 1
  const choices = (called && ownArgs(called)[position]?.choices) ?? []
  if (choices.length === 0) return null
  const quote = (choice: string | number) =>
    typeof choice === 'number' || at.method ? String(choice) : `'${choice}'`
  return { options: choices.map((choice) => ({ label: quote(choice), type: 'value' })) }
}

/** The editor's source of completions. */
export function completionSource(client: QueryClient) {
  return async (context: CompletionContext): Promise<CompletionResult | null> => {
    const text = context.state.doc.toString()
    const at = contextAt(text, context.pos)
    const quiet = at.kind === 'after-scope' || (at.kind === 'start' && text.trim() !== '')
    if (!context.explicit && at.word === '' && quiet) return null
    const after = text.slice(context.pos).trimStart()
    try {
      const found = await optionsFor(at, { client, after })
      if (!found || context.aborted) return null
      const { options, partial } = found
      return partial ? { from: at.from, options, filter: false } : { from: at.from, options, validFor: WORD }
    } catch {
      // No completion is better than an error in the middle of typing.
      return null
    }
  }
}
