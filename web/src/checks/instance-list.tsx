// Instances of checks, what fails first; each opens to its error, its configuration and its numbers.
import { Link } from '@tanstack/react-router'
import { ChevronRight } from 'lucide-react'
import { useId, useMemo, useState } from 'react'
import { Button, Status } from '@/ui'
import { Ago } from '@/ui/ago'
import text from '@/ui/text.module.css'
import { InstanceDetails } from './instance-details'
import { byUrgency, counted, durationText, lookOf, messageOf, shortSource } from './state'
import type { CheckInstance } from './types'
import css from './checks.module.css'

/** More are shown on demand. */
const FIRST = 50

const number = new Intl.NumberFormat('en')

export interface InstanceListProps {
  instances: readonly CheckInstance[]
  /** What tells the rows apart here: the hosts of one check, or the checks of one host. */
  by: 'host' | 'check'
}

export function InstanceList({ instances, by }: InstanceListProps) {
  const [all, setAll] = useState(false)
  const sorted = useMemo(() => byUrgency(instances), [instances])
  const shown = all ? sorted : sorted.slice(0, FIRST)
  return (
    <>
      <ul className={css.list}>
        {shown.map((instance) => (
          <InstanceRow
            key={`${instance.host} ${instance.check} ${instance.instance}`}
            instance={instance}
            by={by}
          />
        ))}
      </ul>
      {shown.length < sorted.length && (
        <Button small onClick={() => setAll(true)}>
          Show all {number.format(sorted.length)}
        </Button>
      )}
    </>
  )
}

function InstanceRow({ instance, by }: { instance: CheckInstance; by: InstanceListProps['by'] }) {
  const [open, setOpen] = useState(false)
  const bodyId = useId()
  const look = lookOf(instance)
  const message = messageOf(instance)
  const name = by === 'host' ? instance.host : instance.check
  const where = instance.source ? shortSource(instance.source) : instance.instance
  return (
    <li className={css.item} data-stale={instance.stale}>
      <div className={css.row}>
        <button
          type="button"
          className={css.toggle}
          aria-expanded={open}
          aria-controls={bodyId}
          aria-label={`${name} ${where}: ${look.word}, details`}
          onClick={() => setOpen(!open)}
        >
          <ChevronRight size={14} className={css.chevron} data-open={open} aria-hidden />
          <Status state={look.state}>{look.word}</Status>
        </button>
        <span className={css.name}>
          <RowLink instance={instance} by={by} />
          <span className={css.where} title={instance.source ?? instance.instance}>
            {where === name ? '' : where}
          </span>
        </span>
        <Numbers instance={instance} />
        {message && !open && <span className={css.message}>{message}</span>}
      </div>
      {open && (
        <div id={bodyId} className={css.body}>
          <InstanceDetails instance={instance} />
        </div>
      )}
    </li>
  )
}

function RowLink({ instance, by }: { instance: CheckInstance; by: InstanceListProps['by'] }) {
  if (by === 'host') {
    return (
      <Link to="/infrastructure/host/$name" params={{ name: instance.host }}>
        {instance.host}
      </Link>
    )
  }
  return (
    <Link to="/integrations" search={{ integration: instance.check, tab: 'hosts' }} className={text.mono}>
      {instance.check}
    </Link>
  )
}

function Numbers({ instance: { last, last_run, reported_at, stale } }: { instance: CheckInstance }) {
  return (
    <span className={css.numbers}>
      {last && !stale && (
        <>
          <span className={css.samples} title="Values that the last run submitted">
            {counted(last.metric_samples, 'sample')}
          </span>
          <span className={css.took} title="How long the last run took">
            {durationText(last.duration_ms)}
          </span>
        </>
      )}
      <span className={css.when} title={last_run === null ? 'When the agent reported it' : 'Last run'}>
        <Ago at={last_run ?? reported_at} />
      </span>
    </span>
  )
}
