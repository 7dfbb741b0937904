// Bringing a host in: Galgo's own agent with one command, or Datadog's with a few lines.
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import type { ReactNode } from 'react'
import { hostListQuery } from '@/infrastructure'
import { CopyButton, Field, Input, Segments, Status } from '@/ui'
import { Ago } from '@/ui/ago'
import text from '@/ui/text.module.css'
import { KeyChoice, NO_KEY } from './key-choice'
import { besideYaml, datadogYaml, installCommand } from './snippets'
import css from './add-host.module.css'

type Way = 'galgo' | 'datadog'

const WAYS: readonly { value: Way; label: string }[] = [
  { value: 'galgo', label: 'Galgo agent' },
  { value: 'datadog', label: 'Datadog agent' },
]

export function AddHostPage() {
  const [way, setWay] = useState<Way>('galgo')
  const [key, setKey] = useState(NO_KEY)
  const [tags, setTags] = useState('')
  const origin = window.location.origin
  return (
    <div className={css.page}>
      <section className={css.section}>
        <h2>Add a host</h2>
        <p className={text.quiet}>
          An agent measures its host, runs checks against what is on it, and takes what applications send. It
          sends to {origin}.
        </p>
        <Segments label="Agent" value={way} choices={WAYS} onChange={setWay} />
      </section>
      <section className={css.section}>
        <h3>1. Choose a key and tags</h3>
        <KeyChoice chosen={key} onChoose={setKey} />
        <Field label="Host tags" help="Between commas; they go on everything that the host sends">
          {(ids) => (
            <Input
              {...ids}
              className={text.mono}
              placeholder="env:production, team:core"
              value={tags}
              onChange={(event) => setTags(event.target.value)}
            />
          )}
        </Field>
      </section>
      {way === 'galgo' ? (
        <GalgoSteps origin={origin} apiKey={key.shown} tags={tags} />
      ) : (
        <DatadogSteps origin={origin} apiKey={key.shown} tags={tags} />
      )}
      <section className={css.section}>
        <h3>3. See it come in</h3>
        <Arrivals />
      </section>
    </div>
  )
}

interface StepsProps {
  origin: string
  apiKey: string
  tags: string
}

function GalgoSteps({ origin, apiKey, tags }: StepsProps) {
  const [takeOver, setTakeOver] = useState(false)
  return (
    <section className={css.section}>
      <h3>2. Run this on the host</h3>
      <p className={text.quiet}>
        It fetches the agent from this server, makes a user and a systemd service, and starts it. Run again,
        it updates. Linux with systemd; about 60 MB of memory.
      </p>
      <label className={css.option}>
        <input type="checkbox" checked={takeOver} onChange={(event) => setTakeOver(event.target.checked)} />
        Datadog’s agent is on it: take its configuration and checks over
      </label>
      <Code label="Command">{installCommand({ origin, apiKey, tags, takeOver })}</Code>
      <p className={text.quiet}>
        Then, on the host: <code className={text.mono}>galgo agent status</code>,{' '}
        <code className={text.mono}>galgo agent diagnose</code>. Its files are in{' '}
        <code className={text.mono}>/etc/galgo-agent</code>.
      </p>
    </section>
  )
}

function DatadogSteps({ origin, apiKey, tags }: StepsProps) {
  return (
    <section className={css.section}>
      <h3>2. Point the agent here</h3>
      <p className={text.quiet}>
        In <code className={text.mono}>/etc/datadog-agent/datadog.yaml</code>, in the place of the lines that
        are there. Versions 6 and 7; checks, DogStatsD and configuration stay as they are.
      </p>
      <Code label="datadog.yaml">{datadogYaml(origin, apiKey, tags)}</Code>
      <Code label="Restart">sudo systemctl restart datadog-agent</Code>
      <p className={text.quiet}>
        To try both side by side, leave its address and add this one: metrics, checks and host metadata then
        go to both.
      </p>
      <Code label="Beside Datadog">{besideYaml(origin, apiKey)}</Code>
    </section>
  )
}

function Code({ label, children }: { label: string; children: string }) {
  return (
    <div className={css.code}>
      <pre tabIndex={0} aria-label={label}>
        {children}
      </pre>
      <CopyButton text={children} label={`Copy: ${label}`} />
    </div>
  )
}

/** So many of the hosts that reported last are shown. */
const LATEST = 5

function Arrivals() {
  const { data } = useQuery({ ...hostListQuery, refetchInterval: 5000 })
  const latest = [...(data?.hosts ?? [])].sort((a, b) => b.last_reported_time - a.last_reported_time)
  const rows: ReactNode[] = latest.slice(0, LATEST).map((host) => (
    <li key={host.name}>
      <Status state={host.up ? 'ok' : 'no-data'}>{host.up ? 'UP' : 'DOWN'}</Status>
      <Link to="/infrastructure/host/$name" params={{ name: host.name }}>
        {host.name}
      </Link>
      <span className={text.quiet}>
        <Ago at={host.last_reported_time} />
      </span>
    </li>
  ))
  return (
    <>
      <p className={text.quiet}>
        Metrics arrive within half a minute, the list of checks a minute or two later. Reported last:
      </p>
      {rows.length > 0 ? (
        <ul className={css.arrivals}>{rows}</ul>
      ) : (
        <p className={text.quiet}>{data ? 'No host has reported yet.' : 'Looking…'}</p>
      )}
    </>
  )
}
