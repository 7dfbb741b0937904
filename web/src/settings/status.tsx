// How the server itself is doing.
import { useQuery } from '@tanstack/react-query'
import { statusQuery } from '@/api/queries'
import type { ServerStatus } from '@/api/types'
import { formatValue } from '@/format/value'
import { ErrorNote, ProgressBar, Status } from '@/ui'
import type { State } from '@/ui'
import text from '@/ui/text.module.css'
import { bytesText } from './bytes'
import css from './settings.module.css'

const STATES: readonly { state: State; word: string }[] = [
  { state: 'ok', word: 'OK' },
  { state: 'warn', word: 'Warning' },
  { state: 'alert', word: 'Critical' },
  { state: 'no-data', word: 'Unknown' },
]
const number = new Intl.NumberFormat('en')

/** `3 d 4 h`, `12 min`. */
export function uptimeText(seconds: number): string {
  const days = Math.floor(seconds / 86_400)
  const hours = Math.floor((seconds % 86_400) / 3600)
  const minutes = Math.floor((seconds % 3600) / 60)
  if (days > 0) return `${days} d ${hours} h`
  if (hours > 0) return `${hours} h ${minutes} min`
  return minutes > 0 ? `${minutes} min` : `${Math.floor(seconds)} s`
}

export function StatusPage() {
  const { data, error, isPending, refetch } = useQuery(statusQuery)
  return (
    <div className={css.page}>
      {isPending && <ProgressBar />}
      {error && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {data && <Figures status={data} />}
      {data && (
        <section className={css.section}>
          <h2>Checks of the server</h2>
          <ul className={css.card}>
            {data.checks.map(({ check, status, message }) => {
              const look = STATES[status] ?? { state: 'no-data' as const, word: 'Unknown' }
              return (
                <li key={check} className={css.check}>
                  <span className={css.checkName}>{check}</span>
                  <Status state={look.state}>{look.word}</Status>
                  <span className={text.quiet}>{message}</span>
                </li>
              )
            })}
          </ul>
        </section>
      )}
    </div>
  )
}

function Figures({ status }: { status: ServerStatus }) {
  const figures: [label: string, value: string, note: string][] = [
    ['Version', status.version, `running for ${uptimeText(status.uptime)}`],
    ['Points received', `${formatValue(status.ingest.points_per_second)}/s`, 'over the past minute'],
    ['Active series', number.format(status.series), 'metric, host and tags'],
    ['Points stored', formatValue(status.points), number.format(status.points)],
    ['On disk', bytesText(status.disk_bytes), perPoint(status)],
    ['Log', bytesText(status.wal_bytes), 'not yet in a segment'],
    ['Segments', number.format(status.segments), 'immutable files'],
  ]
  return (
    <dl className={css.figures}>
      {figures.map(([label, value, note]) => (
        <div key={label} className={css.figure}>
          <dt>{label}</dt>
          <dd className={css.value}>{value}</dd>
          <dd className={text.quiet}>{note}</dd>
        </div>
      ))}
    </dl>
  )
}

function perPoint({ disk_bytes, points }: ServerStatus): string {
  if (points === 0) return 'no points yet'
  return `${formatValue(disk_bytes / points)} bytes a point`
}
