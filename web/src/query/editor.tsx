// One line of query text: colours, completion, and the server's errors underlined where it points.
import { acceptCompletion, autocompletion, closeBrackets, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { bracketMatching } from '@codemirror/language'
import { setDiagnostics } from '@codemirror/lint'
import { EditorState, Prec } from '@codemirror/state'
import type { Extension, Range } from '@codemirror/state'
import { Decoration, EditorView, keymap, placeholder, ViewPlugin } from '@codemirror/view'
import type { DecorationSet, ViewUpdate } from '@codemirror/view'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { completionSource } from './completion'
import { errorPlace } from './error-place'
import css from './editor.module.css'
import { tokenize } from './tokens'

/** Longer texts are no query; the server would refuse them too. */
const MAX_LENGTH = 8_000

export interface QueryEditorProps {
  label: string
  value: string
  /** Every change of the text. */
  onChange: (text: string) => void
  /** Enter, or leaving the field. */
  onCommit: (text: string) => void
  error?: string
  placeholder?: string
  /** Off for formulas, which name queries and not metrics. */
  completion?: boolean
  autoFocus?: boolean
}

function colours(view: EditorView): DecorationSet {
  const marks: Range<Decoration>[] = []
  for (const { kind, from, to } of tokenize(view.state.doc.toString())) {
    marks.push(Decoration.mark({ class: `tok-${kind}` }).range(from, to))
  }
  return Decoration.set(marks)
}

const highlighting = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet
    constructor(view: EditorView) {
      this.decorations = colours(view)
    }
    update(update: ViewUpdate) {
      if (update.docChanged) this.decorations = colours(update.view)
    }
  },
  { decorations: (plugin) => plugin.decorations },
)

/** A query is one line: pasted line breaks become blanks. */
const oneLine = EditorState.transactionFilter.of((transaction) => {
  if (!transaction.docChanged || transaction.newDoc.lines === 1) {
    return transaction.newDoc.length > MAX_LENGTH ? [] : transaction
  }
  const text = transaction.newDoc.toString().replace(/\s*\n\s*/g, ' ')
  return [
    {
      changes: { from: 0, to: transaction.startState.doc.length, insert: text },
      selection: { anchor: text.length },
    },
  ]
})

interface Callbacks {
  onChange: (text: string) => void
  onCommit: (text: string) => void
}

function behaviour(callbacks: { current: Callbacks }, completions: Extension): Extension {
  const commit = (view: EditorView) => {
    callbacks.current.onCommit(view.state.doc.toString())
    return true
  }
  return [
    history(),
    closeBrackets(),
    bracketMatching(),
    highlighting,
    oneLine,
    completions,
    EditorView.lineWrapping,
    Prec.high(keymap.of([{ key: 'Tab', run: acceptCompletion }])),
    keymap.of([...completionKeymap, { key: 'Enter', run: commit }, { key: 'Mod-Enter', run: commit }]),
    keymap.of([...historyKeymap, ...defaultKeymap]),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) callbacks.current.onChange(update.state.doc.toString())
    }),
    EditorView.domEventHandlers({ blur: (_, view) => void commit(view) }),
  ]
}

export function QueryEditor(props: QueryEditorProps) {
  const { label, value, error, completion = true } = props
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView | null>(null)
  const client = useQueryClient()
  const callbacks = useRef<Callbacks>(props)
  useEffect(() => {
    callbacks.current = props
  })
  const first = useRef({ value, hint: props.placeholder ?? '', autoFocus: props.autoFocus })
  useEffect(() => {
    if (!host.current) return undefined
    const completions = completion
      ? autocompletion({ override: [completionSource(client)], icons: false, maxRenderedOptions: 80 })
      : []
    const made = new EditorView({
      parent: host.current,
      doc: first.current.value,
      extensions: [
        behaviour(callbacks, completions),
        placeholder(first.current.hint),
        EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false' }),
      ],
    })
    view.current = made
    if (first.current.autoFocus) made.focus()
    return () => {
      first.current = { ...first.current, value: made.state.doc.toString(), autoFocus: false }
      made.destroy()
      view.current = null
    }
  }, [client, completion, label])

  useEffect(() => {
    const current = view.current
    const text = current?.state.doc.toString()
    if (!current || text === value) return
    current.dispatch({ changes: { from: 0, to: current.state.doc.length, insert: value } })
  }, [value])

  useEffect(() => {
    const current = view.current
    if (!current) return
    current.dispatch(
      setDiagnostics(
        current.state,
        error === undefined ? [] : [underline(error, current.state.doc.toString())],
      ),
    )
  }, [error, value])

  return <div ref={host} className={css.editor} data-bad={error !== undefined} />
}

/** The token at the place that the error names, or the whole query. */
function underline(message: string, text: string) {
  const place = errorPlace(message, text)
  const token = tokenize(text).find(({ from, to }) => place !== undefined && place >= from && place < to)
  const from = token?.from ?? place ?? 0
  const to = token?.to ?? (place === undefined ? text.length : Math.min(place + 1, text.length))
  return {
    from: Math.min(from, text.length),
    to: Math.max(Math.min(to, text.length), Math.min(from, text.length)),
    severity: 'error' as const,
    message,
  }
}
