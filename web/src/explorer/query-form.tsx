// The form of one query: metric, from, aggregator, by, functions. Writes the same text that the editor shows.
import { useQuery } from '@tanstack/react-query'
import { Sigma, X } from 'lucide-react'
import { useDeferredValue, useState } from 'react'
import { functionsQuery, metricNamesQuery, tagKeysQuery, tagValuesQuery } from '@/api/queries'
import type { QueryFunction } from '@/api/types'
import { AGGREGATORS } from '@/query/completion'
import { writeForm } from '@/query/form'
import type { Call, QueryForm } from '@/query/form'
import { usualArgs } from '@/query/usual-args'
import { Button, ChipsInput, Combobox, Popover, SearchInput, Select } from '@/ui'
import type { Choice, Suggestion } from '@/ui'
import css from './explorer.module.css'

export interface QueryFormProps {
  /** For labels: `a`. */
  name: string
  form: QueryForm
  onChange: (query: string) => void
}

const AGGREGATOR_CHOICES: Choice<string>[] = AGGREGATORS.map(([value]) => ({ value, label: `${value} by` }))

function aggregatorChoices(current: string): Choice<string>[] {
  if (AGGREGATORS.some(([name]) => name === current)) return AGGREGATOR_CHOICES
  return [...AGGREGATOR_CHOICES, { value: current, label: `${current} by` }]
}

export function QueryFormFields({ name, form, onChange }: QueryFormProps) {
  const set = (part: Partial<QueryForm>) => onChange(writeForm({ ...form, ...part }))
  const aggregator = form.aggregator === '' ? 'avg' : form.aggregator
  return (
    <div className={css.form} role="group" aria-label={`Form of query ${name}`}>
      <MetricField name={name} form={form} set={set} />
      <span className={css.word}>from</span>
      <ScopeField name={name} form={form} set={set} />
      <Select
        label={`Aggregation of ${name}`}
        className={css.aggregator}
        value={aggregator}
        choices={aggregatorChoices(aggregator)}
        onChange={(next) => set({ aggregator: next })}
      />
      <ByField name={name} form={form} set={set} />
      <Calls calls={form.methods} prefix="." onChange={(methods) => set({ methods })} />
      <Calls calls={form.wraps} prefix="" onChange={(wraps) => set({ wraps })} />
      {form.metric !== '' && <AddFunction name={name} form={form} set={set} />}
    </div>
  )
}

interface FieldProps {
  name: string
  form: QueryForm
  set: (part: Partial<QueryForm>) => void
}

function MetricField({ name, form, set }: FieldProps) {
  const [typed, setTyped] = useState('')
  const hits =
    useQuery({ ...metricNamesQuery(useDeferredValue(typed)), placeholderData: (before) => before }).data ?? []
  const suggestions = hits.map((hit): Suggestion => ({
    value: hit.name,
    detail: [hit.type, hit.unit].filter(Boolean).join(', '),
  }))
  return (
    <Combobox
      label={`Metric of ${name}`}
      className={css.metric}
      value={form.metric}
      placeholder="metric"
      suggestions={suggestions}
      onSearch={setTyped}
      onChange={(metric) => set({ metric, aggregator: form.aggregator === '' ? 'avg' : form.aggregator })}
    />
  )
}

/** `key:value` in two steps: the keys first, then the values of the chosen one. */
function ScopeField({ name, form, set }: FieldProps) {
  const [typed, setTyped] = useState('')
  const negated = typed.startsWith('!')
  const word = negated ? typed.slice(1) : typed
  const at = word.indexOf(':')
  const key = at < 0 ? '' : word.slice(0, at)
  const part = useDeferredValue(at < 0 ? '' : word.slice(at + 1))
  const keys =
    useQuery({ ...tagKeysQuery(form.metric), enabled: form.metric !== '' && key === '' }).data ?? []
  const values = useQuery({
    ...tagValuesQuery(form.metric, key, part),
    enabled: form.metric !== '' && key !== '',
  }).data
  const mark = negated ? '!' : ''
  const suggestions =
    key === ''
      ? keySuggestions(keys, word).map((hit) => ({ ...hit, value: `${mark}${hit.value}:`, open: true }))
      : (values ?? []).map((value): Suggestion => ({ value: `${mark}${key}:${value}` }))
  return (
    <ChipsInput
      label={`Scope of ${name}`}
      className={css.scope}
      values={form.scope}
      placeholder="everywhere"
      suggestions={suggestions}
      onSearch={setTyped}
      onChange={(scope) => set({ scope })}
    />
  )
}

function keySuggestions(keys: readonly { key: string; values: number }[], word: string): Suggestion[] {
  return keys
    .filter(({ key }) => key.includes(word))
    .map(({ key, values }) => ({ value: key, detail: `${values} ${values === 1 ? 'value' : 'values'}` }))
}

function ByField({ name, form, set }: FieldProps) {
  const [typed, setTyped] = useState('')
  const keys = useQuery({ ...tagKeysQuery(form.metric), enabled: form.metric !== '' }).data ?? []
  return (
    <ChipsInput
      label={`Group ${name} by`}
      className={css.by}
      values={form.by}
      placeholder="everything"
      suggestions={keySuggestions(keys, typed).filter(({ value }) => !form.by.includes(value))}
      onSearch={setTyped}
      onChange={(by) => set({ by })}
    />
  )
}

function Calls({
  calls,
  prefix,
  onChange,
}: {
  calls: readonly Call[]
  prefix: string
  onChange: (calls: Call[]) => void
}) {
  return calls.map(({ name, args }, index) => (
    <span key={`${name} ${index}`} className={css.call}>
      <code>
        {prefix}
        {name}({args})
      </code>
      <button
        type="button"
        aria-label={`Remove ${name}`}
        onClick={() => onChange(calls.filter((_, other) => other !== index))}
      >
        <X size={12} />
      </button>
    </span>
  ))
}

function AddFunction({ name, form, set }: FieldProps) {
  const [open, setOpen] = useState(false)
  const [words, setWords] = useState('')
  const functions = useQuery({ ...functionsQuery, enabled: open }).data ?? []
  const low = words.toLowerCase()
  const found = functions.filter(
    (entry) =>
      entry.name.includes(low) ||
      entry.family.toLowerCase().includes(low) ||
      entry.summary.toLowerCase().includes(low),
  )
  const families = Object.entries(Object.groupBy(found, ({ family }) => family))
  const add = (entry: QueryFunction) => {
    const call = { name: entry.name, args: usualArgs(entry) }
    set(entry.form === 'method' ? { methods: [...form.methods, call] } : { wraps: [...form.wraps, call] })
    setOpen(false)
    setWords('')
  }
  const trigger = (
    <Button kind="quiet" aria-label={`Add a function to ${name}`}>
      <Sigma size={15} />
    </Button>
  )
  return (
    <Popover label="Functions" open={open} onOpenChange={setOpen} className={css.functions} trigger={trigger}>
      <SearchInput
        label="Find a function"
        placeholder="Find a function"
        value={words}
        onChange={setWords}
        autoFocus
      />
      <div className={css.functionList}>
        {families.map(([family, entries]) => (
          <section key={family}>
            <h3 className={css.family}>{family}</h3>
            {entries?.map((entry) => (
              <button
                key={`${entry.form} ${entry.name}`}
                type="button"
                className={css.functionItem}
                onClick={() => add(entry)}
              >
                <code>
                  {entry.form === 'method' ? '.' : ''}
                  {entry.name}
                </code>
                <span>{entry.summary}</span>
              </button>
            ))}
          </section>
        ))}
        {found.length === 0 && <p className={css.none}>No function matches “{words}”</p>}
      </div>
    </Popover>
  )
}
