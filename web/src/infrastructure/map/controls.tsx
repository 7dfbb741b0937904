// What the map shows, chosen by the user.
import { useQuery } from '@tanstack/react-query'
import { Check } from 'lucide-react'
import { useEffect, useState } from 'react'
import { metricNamesQuery } from '@/api/queries'
import type { UnitPair } from '@/api/types'
import { formatValue } from '@/format/value'
import { Button, Combobox, Input, Menu, MenuCheck, MenuItem, MenuSeparator, toast } from '@/ui'
import type { Fill } from './fill'
import { PRESETS, readFill } from './fill'
import { MAX_GROUPS, toggleGroup } from './groups'
import { GRADIENT } from './palette'
import css from './map.module.css'

/** Metrics offered while one types. */
const COMPLETIONS = 30

export interface MetricPickerProps {
  label: string
  value: Fill | undefined
  /** What stands in the empty field. */
  none?: string
  onChange: (fill: Fill | undefined) => void
}

/** A preset or any metric, by typing. */
export function MetricPicker({ label, value, none, onChange }: MetricPickerProps) {
  const [typed, setTyped] = useState('')
  const words = typed.replace(/^(avg|max|min|sum):/, '')
  const found = useQuery({ ...metricNamesQuery(words, COMPLETIONS), enabled: words !== '' }).data ?? []
  const aggregator = /^(max|min|sum):/.exec(typed)?.[0] ?? ''
  const presets = PRESETS.filter((preset) => preset.label.toLowerCase().includes(words.toLowerCase()))
  const suggestions = [
    ...presets.map((preset) => ({ value: preset.label, detail: preset.query.replace('{*} by {host}', '') })),
    ...found.map((metric) => ({ value: `${aggregator}${metric.name}`, detail: metric.type ?? undefined })),
  ]
  const commit = (next: string) => {
    const fill = readFill(next)
    if (fill) onChange(fill)
    else if (next === '' && none !== undefined) onChange(undefined)
    else if (next !== '') toast(`${next} is no metric`)
  }
  return (
    <div className={css.control}>
      <span className={css.controlLabel}>{label}</span>
      <Combobox
        label={label}
        className={css.metric}
        placeholder={none}
        value={value?.label ?? ''}
        suggestions={suggestions}
        onSearch={setTyped}
        onChange={commit}
      />
    </div>
  )
}

export interface GroupPickerProps {
  keys: readonly string[]
  groups: readonly string[]
  onChange: (groups: string[]) => void
}

export function GroupPicker({ keys, groups, onChange }: GroupPickerProps) {
  const trigger = (
    <Button aria-label={`Group by: ${groups.join(', then ') || 'nothing'}`}>
      {groups.length > 0 ? groups.join(' › ') : 'Nothing'}
    </Button>
  )
  return (
    <div className={css.control}>
      <span className={css.controlLabel}>Group by (up to {MAX_GROUPS})</span>
      <Menu trigger={trigger} align="start">
        <MenuItem
          icon={groups.length === 0 ? <Check size={14} /> : <span className={css.blank} />}
          onSelect={() => onChange([])}
        >
          Nothing
        </MenuItem>
        <MenuSeparator />
        {keys.map((key) => (
          <MenuCheck
            key={key}
            checked={groups.includes(key)}
            onChange={() => onChange(toggleGroup(groups, key))}
          >
            {key}
          </MenuCheck>
        ))}
      </Menu>
    </div>
  )
}

export interface LegendProps {
  range: readonly [min: number, max: number]
  unit: UnitPair
  /** As they were set by hand. */
  min: string | undefined
  max: string | undefined
  without: number
  onChange: (range: { min?: string; max?: string }) => void
}

export function Legend({ range, unit, min, max, without, onChange }: LegendProps) {
  return (
    <div className={css.legend} role="group" aria-label="Legend">
      <Bound label="Green at" value={min} shown={range[0]} onCommit={(next) => onChange({ min: next })} />
      <div className={css.scale}>
        <span className={css.gradient} style={{ background: GRADIENT }} />
        <span className={css.ends}>
          <span>{formatValue(range[0], unit)}</span>
          <span>{formatValue(range[1], unit)}</span>
        </span>
      </div>
      <Bound label="Orange at" value={max} shown={range[1]} onCommit={(next) => onChange({ max: next })} />
      {without > 0 && (
        <span className={css.without}>
          <span className={css.withoutMark} aria-hidden />
          {without} without this metric
        </span>
      )}
    </div>
  )
}

interface BoundProps {
  label: string
  value: string | undefined
  shown: number
  onCommit: (value: string | undefined) => void
}

function Bound({ label, value, shown, onCommit }: BoundProps) {
  const text = value ?? String(Number(shown.toPrecision(3)))
  const [typed, setTyped] = useState(text)
  useEffect(() => setTyped(text), [text])
  const commit = () => {
    if (typed === text) return
    if (typed.trim() === '') onCommit(undefined)
    else if (Number.isFinite(Number(typed))) onCommit(typed.trim())
    else setTyped(text)
  }
  return (
    <Input
      aria-label={label}
      title={`${label}; empty means automatic`}
      className={css.bound}
      inputMode="decimal"
      value={typed}
      onChange={(event) => setTyped(event.target.value)}
      onBlur={commit}
      onKeyDown={(event) => event.key === 'Enter' && commit()}
    />
  )
}
