// Where an agent reads log lines, how that goes, and how many went out.
import { Link } from '@tanstack/react-router'
import { Status, Tag } from '@/ui'
import { Ago } from '@/ui/ago'
import text from '@/ui/text.module.css'
import { counted, logLook, logMessage, logName } from './state'
import type { LogSource } from './types'
import css from './checks.module.css'

const number = new Intl.NumberFormat('en')

export function LogSources({
  sources,
  withHost = false,
}: {
  sources: readonly LogSource[]
  withHost?: boolean
}) {
  return (
    <ul className={css.list}>
      {sources.map((source, index) => (
        <li key={`${source.host} ${source.type} ${logName(source)} ${index}`} className={css.item}>
          <LogRow source={source} withHost={withHost} />
        </li>
      ))}
    </ul>
  )
}

function LogRow({ source, withHost }: { source: LogSource; withHost: boolean }) {
  const look = logLook(source)
  const message = logMessage(source)
  const tags = [
    source.service && `service:${source.service}`,
    source.source && `source:${source.source}`,
  ].filter((tag) => typeof tag === 'string')
  return (
    <div className={css.row}>
      <span className={css.state}>
        <Status state={look.state}>{look.word}</Status>
      </span>
      <span className={css.name}>
        {withHost && (
          <Link to="/infrastructure/host/$name" params={{ name: source.host }}>
            {source.host}
          </Link>
        )}
        <span className={`${text.mono} ${css.path}`}>{logName(source)}</span>
        {tags.map((tag) => (
          <Tag key={tag}>{tag}</Tag>
        ))}
      </span>
      <span className={css.numbers}>
        {source.type === 'file' && source.files !== undefined && (
          <span title="Open files">{counted(source.files, 'file')}</span>
        )}
        {source.lines !== undefined && (
          <span title="Lines read since the agent started">{counted(source.lines, 'line')}</span>
        )}
        {source.sent !== undefined && (
          <span title="Lines that a server has acknowledged">{number.format(source.sent)} sent</span>
        )}
        <span className={css.when} title="When the agent reported it">
          <Ago at={source.reported_at} />
        </span>
      </span>
      {message && <span className={css.message}>{message}</span>}
    </div>
  )
}
