// What people know about a metric and agents do not say: type, units, words. Only what was changed is sent.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { FormEvent } from 'react'
import { Button, Combobox, ErrorNote, Field, Input, ProgressBar, Select, toast } from '@/ui'
import { metricMetadataQuery, saveMetadata } from './queries'
import type { MetricMetadata } from './queries'
import { isUnit, unitsLike } from './units'
import css from './panel.module.css'

interface Draft {
  type: string
  unit: string
  per_unit: string
  short_name: string
  description: string
}

const TYPES = ['gauge', 'rate', 'count', 'distribution'].map((value) => ({ value, label: value }))
const FIELDS = ['type', 'unit', 'per_unit', 'short_name', 'description'] as const

function draftOf(metadata: MetricMetadata): Draft {
  return {
    type: metadata.type ?? 'gauge',
    unit: metadata.unit ?? '',
    per_unit: metadata.per_unit ?? '',
    short_name: metadata.short_name ?? '',
    description: metadata.description ?? '',
  }
}

/** The fields in which two drafts differ. */
export function changed(before: Draft, now: Draft): Partial<Draft> {
  return Object.fromEntries(
    FIELDS.filter((key) => before[key] !== now[key]).map((key) => [key, now[key].trim()]),
  )
}

export function MetadataForm({ name }: { name: string }) {
  const { data, error, refetch } = useQuery(metricMetadataQuery(name))
  return (
    <section className={css.section}>
      <h3>Metadata</h3>
      {error && !data && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {data ? <Form name={name} stored={draftOf(data)} /> : !error && <ProgressBar />}
    </section>
  )
}

function useSave(name: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (change: Partial<Draft>) => saveMetadata(name, change),
    onSuccess: async (answer) => {
      client.setQueryData(metricMetadataQuery(name).queryKey, answer)
      await client.invalidateQueries({ queryKey: ['metrics-summary'] })
    },
  })
}

function Form({ name, stored }: { name: string; stored: Draft }) {
  const [draft, setDraft] = useState(stored)
  const save = useSave(name)
  const change = changed(stored, draft)
  const dirty = Object.keys(change).length > 0
  const unknown = (unit: string) =>
    unit.trim() !== '' && !isUnit(unit.trim()) ? `No unit is called ${unit}` : undefined
  const wrong = unknown(draft.unit) ?? unknown(draft.per_unit)
  const set = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }))
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!dirty || wrong) return
    save.mutate(change, {
      onSuccess: () =>
        toast(`Metadata of ${name} saved`, {
          undo: () => {
            save.mutate(changed(draft, stored))
            setDraft(stored)
          },
        }),
    })
  }
  return (
    <form className={css.form} onSubmit={submit}>
      <div className={css.label}>
        <span>Type</span>
        <Select label="Type" value={draft.type} choices={TYPES} onChange={(type) => set({ type })} />
      </div>
      <Field label="Short name">
        {(ids) => (
          <Input
            {...ids}
            value={draft.short_name}
            onChange={(event) => set({ short_name: event.target.value })}
          />
        )}
      </Field>
      <UnitField
        label="Unit"
        value={draft.unit}
        error={unknown(draft.unit)}
        onChange={(unit) => set({ unit })}
      />
      <UnitField
        label="Per unit"
        value={draft.per_unit}
        error={unknown(draft.per_unit)}
        onChange={(per_unit) => set({ per_unit })}
      />
      <div className={css.wide}>
        <Field label="Description">
          {(ids) => (
            <textarea
              {...ids}
              className={css.area}
              value={draft.description}
              onChange={(event) => set({ description: event.target.value })}
            />
          )}
        </Field>
      </div>
      {save.error && (
        <div className={css.note}>
          <ErrorNote error={save.error} />
        </div>
      )}
      <div className={css.formFoot}>
        <Button type="submit" kind="primary" disabled={!dirty || wrong !== undefined || save.isPending}>
          {save.isPending ? 'Saving' : 'Save'}
        </Button>
        {dirty && (
          <Button kind="quiet" onClick={() => setDraft(stored)}>
            Discard
          </Button>
        )}
      </div>
    </form>
  )
}

interface UnitFieldProps {
  label: string
  value: string
  error: string | undefined
  onChange: (value: string) => void
}

function UnitField({ label, value, error, onChange }: UnitFieldProps) {
  const [words, setWords] = useState('')
  const suggestions = unitsLike(words).map((unit) => ({
    value: unit.name,
    detail: unit.short || unit.family,
  }))
  return (
    <div className={css.label}>
      <span>{label}</span>
      <Combobox
        label={label}
        className={css.control}
        placeholder="None"
        value={value}
        suggestions={suggestions}
        onSearch={setWords}
        onChange={onChange}
      />
      {error && (
        <span className={css.wrong} role="alert">
          {error}
        </span>
      )}
    </div>
  )
}
