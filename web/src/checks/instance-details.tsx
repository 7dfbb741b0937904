// One instance in full: why it fails, how it is configured, what it did.
import type { ReactNode } from 'react'
import { CopyButton } from '@/ui'
import { Ago } from '@/ui/ago'
import text from '@/ui/text.module.css'
import { counted, durationText } from './state'
import type { CheckInstance } from './types'
import css from './checks.module.css'

const number = new Intl.NumberFormat('en')

export function InstanceDetails({ instance }: { instance: CheckInstance }) {
  const { error, traceback, warnings, configuration } = instance
  return (
    <>
      {error !== '' && <Block title="Error">{error}</Block>}
      {traceback !== '' && <Block title="Traceback">{traceback}</Block>}
      {warnings.length > 0 && <Block title="Warnings">{warnings.join('\n')}</Block>}
      <Facts instance={instance} />
      {configuration?.instance && (
        <Block title="Configuration, without secrets">{configuration.instance}</Block>
      )}
    </>
  )
}

function Block({ title, children }: { title: string; children: string }) {
  return (
    <section>
      <div className={css.blockHead}>
        <h4>{title}</h4>
        <CopyButton text={children} label={`Copy: ${title.toLowerCase()}`} />
      </div>
      <pre className={css.block} tabIndex={0} aria-label={title}>
        {children.trimEnd()}
      </pre>
    </section>
  )
}

function runsText({ runs, failed_runs }: CheckInstance): string {
  if (runs === 0) return ''
  return failed_runs === 0
    ? number.format(runs)
    : `${number.format(runs)}, ${number.format(failed_runs)} failed`
}

function Facts({ instance }: { instance: CheckInstance }) {
  const { runs, total_ms, last } = instance
  const lastRun = last && [
    counted(last.metric_samples, 'sample'),
    counted(last.service_checks, 'service check'),
    ...(last.events > 0 ? [counted(last.events, 'event')] : []),
    ...(last.logs > 0 ? [counted(last.logs, 'log line')] : []),
  ]
  const facts: [string, ReactNode][] = [
    ['Instance', <span className={text.mono}>{instance.instance}</span>],
    ['Configured in', instance.source && <span className={text.mono}>{instance.source}</span>],
    ['Version', instance.version],
    ['Loaded by', instance.loader],
    ['Runs every', instance.interval_s > 0 && durationText(instance.interval_s * 1000)],
    ['Runs', runsText(instance)],
    ['Last run', lastRun?.join(', ')],
    ['Average duration', runs > 0 && durationText(total_ms / runs)],
    ['Last without error', instance.last_ok !== null && <Ago at={instance.last_ok} />],
    ['Reported', <Ago at={instance.reported_at} />],
    ...Object.entries(instance.metadata),
  ]
  return (
    <dl className={css.facts}>
      {facts
        .filter(([, value]) => value)
        .map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  )
}
