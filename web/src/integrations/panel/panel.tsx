// One integration beside the list: how it does, how it is switched on, where it runs, what it brings.
import { useQuery } from '@tanstack/react-query'
import { Tabs } from 'radix-ui'
import type { ReactNode } from 'react'
import { ApiError } from '@/api/client'
import { InstanceList, LogSources } from '@/checks'
import { CopyButton, Empty, ErrorNote, ProgressBar, SidePanel } from '@/ui'
import text from '@/ui/text.module.css'
import { integrationQuery } from '../queries'
import { readTab } from '../search'
import type { Tab } from '../search'
import type { IntegrationDetail } from '../types'
import { Configuration } from './configuration'
import { MetricTable } from './metrics'
import { NotRunning, Overview } from './overview'
import css from './panel.module.css'

export interface IntegrationPanelProps {
  name: string | undefined
  tab: string | undefined
  onTab: (tab: Tab) => void
  onClose: () => void
}

export function IntegrationPanel({ name, tab, onTab, onClose }: IntegrationPanelProps) {
  const detail = useQuery({ ...integrationQuery(name ?? ''), enabled: name !== undefined })
  if (name === undefined) return null
  const title = (
    <span className={css.title}>
      {detail.data?.title ?? name}
      {detail.data?.kind === 'check' && detail.data.title !== name && (
        <span className={css.name}>{name}</span>
      )}
      <CopyButton text={name} label="Copy the name" />
    </span>
  )
  return (
    <SidePanel open onClose={onClose} title={title} width={760}>
      <Body key={name} name={name} {...detail} tab={readTab(tab)} onTab={onTab} />
    </SidePanel>
  )
}

interface BodyProps {
  name: string
  data: IntegrationDetail | undefined
  error: Error | null
  refetch: () => unknown
  tab: Tab
  onTab: (tab: Tab) => void
}

function Body({ name, data, error, refetch, tab, onTab }: BodyProps) {
  if (error instanceof ApiError && error.status === 404) {
    return (
      <Empty title={`No integration is called ${name}`}>
        <p>No agent runs it, and it is not in the catalogue.</p>
      </Empty>
    )
  }
  if (error && !data) return <ErrorNote error={error} onRetry={() => void refetch()} />
  if (!data) return <ProgressBar />
  const places = data.instances.length + data.logs.length
  const tabs: { value: Tab; label: string; count?: number; content: ReactNode }[] = [
    { value: 'overview', label: 'Overview', content: <Overview detail={data} onTab={onTab} /> },
    { value: 'configuration', label: 'Configuration', content: <Configuration detail={data} /> },
    { value: 'hosts', label: 'Hosts', count: places, content: <Hosts detail={data} onTab={onTab} /> },
    {
      value: 'metrics',
      label: 'Metrics',
      count: data.metric_list.length,
      content: <MetricTable detail={data} />,
    },
  ]
  return (
    <Tabs.Root value={tab} onValueChange={(next) => onTab(readTab(next))} className={css.body}>
      <Tabs.List className={css.tabs} aria-label={data.title}>
        {tabs.map(({ value, label, count }) => (
          <Tabs.Trigger key={value} value={value} className={css.tab}>
            {label}
            {count !== undefined && count > 0 && <span className={css.badge}>{count}</span>}
          </Tabs.Trigger>
        ))}
      </Tabs.List>
      {tabs.map(({ value, content }) => (
        <Tabs.Content key={value} value={value} className={css.content} tabIndex={-1}>
          {content}
        </Tabs.Content>
      ))}
    </Tabs.Root>
  )
}

function Hosts({ detail, onTab }: { detail: IntegrationDetail; onTab: (tab: Tab) => void }) {
  const { instances, logs } = detail
  if (instances.length + logs.length === 0) return <NotRunning detail={detail} onTab={onTab} />
  const total = detail.ok + detail.warning + detail.error + detail.pending
  return (
    <>
      {instances.length > 0 && <InstanceList instances={instances} by="host" />}
      {logs.length > 0 && <LogSources sources={logs} withHost />}
      {total > instances.length + logs.length && (
        <p className={text.quiet}>
          The first {instances.length + logs.length} of {total} are shown.
        </p>
      )}
    </>
  )
}
