// One host in full, for the panel beside lists and for its own page.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { ChartSpline, Volume2, VolumeX } from 'lucide-react'
import { useState } from 'react'
import { ApiError } from '@/api/client'
import { explorerPath } from '@/query/link'
import { useTimeRange } from '@/time'
import { instantText } from '@/time/format'
import { Button, Empty, ErrorNote, ProgressBar, Tag, toast } from '@/ui'
import { Ago } from '@/ui/ago'
import text from '@/ui/text.module.css'
import { HostStatus } from '../host-status'
import { hostDetailQuery, muteHost, unmuteHost } from '../queries'
import type { MuteSettings } from '../queries'
import type { HostDetail } from '../types'
import { HostChecks } from './checks'
import { hostFacts } from './facts'
import { HostGraphs, hostScope } from './graphs'
import { MuteDialog } from './mute'
import { HostAgent, HostRunsSections } from './runs'
import { HostTags } from './tags'
import css from './host.module.css'

export function HostBody({ name, wide = false }: { name: string; wide?: boolean }) {
  const { data, error, refetch } = useQuery(hostDetailQuery(name))
  if (error instanceof ApiError && error.status === 404) {
    return (
      <Empty title={`No host is called ${name}`}>
        <p>It may have been renamed, or it has not reported for longer than hosts are remembered.</p>
      </Empty>
    )
  }
  if (error && !data) return <ErrorNote error={error} onRetry={() => void refetch()} />
  if (!data) return <ProgressBar />
  return (
    <div className={css.host} data-wide={wide}>
      <div className={css.column}>
        <Summary host={data} />
        <section className={css.section}>
          <HostGraphs name={data.name} />
        </section>
        <HostRunsSections name={data.name} />
      </div>
      <div className={css.column}>
        <section className={css.section}>
          <h3>Service checks</h3>
          <HostChecks checks={data.checks} />
        </section>
        <section className={css.section}>
          <h3>Tags</h3>
          <HostTags host={data} />
        </section>
        <HostAgent name={data.name} />
        <Facts host={data} />
      </div>
    </div>
  )
}

function Summary({ host }: { host: HostDetail }) {
  const navigate = useNavigate()
  const { range } = useTimeRange()
  const query = `avg:system.cpu.user{${hostScope(host.name)}}`
  return (
    <section className={css.summary}>
      <div className={css.state}>
        <HostStatus up={host.up} muted={host.muted} />
        <span className={text.quiet}>
          last report <Ago at={host.last_seen} />
        </span>
        {host.muted && (
          <span className={text.quiet}>
            muted {host.mute_end ? `until ${instantText(host.mute_end * 1000)}` : 'until unmuted'}
            {host.mute_message && `: ${host.mute_message}`}
          </span>
        )}
      </div>
      {host.apps.length > 0 && (
        <div className={css.chips} aria-label="Apps" role="group">
          {host.apps.map((app) => (
            <Tag key={app}>{app}</Tag>
          ))}
        </div>
      )}
      <div className={css.actions}>
        <MuteButton host={host} />
        <Button
          onClick={() => void navigate({ href: explorerPath({ queries: [{ name: 'a', query }], range }) })}
        >
          <ChartSpline size={14} aria-hidden />
          Explore its metrics
        </Button>
      </div>
    </section>
  )
}

function MuteButton({ host }: { host: HostDetail }) {
  const client = useQueryClient()
  const [asking, setAsking] = useState(false)
  const change = useMutation({
    mutationFn: (settings: MuteSettings | null) =>
      settings ? muteHost(host.name, settings) : unmuteHost(host.name),
    onSuccess: () => client.invalidateQueries({ queryKey: ['infrastructure'] }),
    onError: (error) => toast(`${host.name}: ${error.message}`),
  })
  const before: MuteSettings = {
    ...(host.mute_end ? { end: host.mute_end } : {}),
    ...(host.mute_message ? { message: host.mute_message } : {}),
  }
  if (host.muted) {
    const unmute = () =>
      change.mutate(null, {
        onSuccess: () => toast(`${host.name} unmuted`, { undo: () => change.mutate(before) }),
      })
    return (
      <Button disabled={change.isPending} onClick={unmute}>
        <Volume2 size={14} aria-hidden />
        Unmute
      </Button>
    )
  }
  const mute = (settings: MuteSettings) => {
    setAsking(false)
    change.mutate(settings, {
      onSuccess: () => toast(`${host.name} muted`, { undo: () => change.mutate(null) }),
    })
  }
  return (
    <>
      <Button disabled={change.isPending} onClick={() => setAsking(true)}>
        <VolumeX size={14} aria-hidden />
        Mute
      </Button>
      <MuteDialog open={asking} title={`Mute ${host.name}`} onClose={() => setAsking(false)} onMute={mute} />
    </>
  )
}

function Facts({ host }: { host: HostDetail }) {
  const facts = hostFacts(host)
  return (
    <section className={css.section}>
      <h3>Machine</h3>
      {facts.length === 0 && <p className={text.quiet}>The host has sent no metadata: only agents do.</p>}
      <dl className={css.facts}>
        {facts.map(({ label, value }) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
