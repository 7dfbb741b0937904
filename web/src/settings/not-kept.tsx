// What agents send that Galgo does not keep: acknowledged so that they do not repeat it, counted so that nobody wonders.
import { useQuery } from '@tanstack/react-query'
import { CircleCheck } from 'lucide-react'
import { formatValue } from '@/format/value'
import { Empty, ErrorNote, ProgressBar } from '@/ui'
import { Ago } from '@/ui/ago'
import text from '@/ui/text.module.css'
import { bytesText } from './bytes'
import { notKeptQuery } from './queries'
import type { Dropped, NotKeptPath } from './queries'
import css from './settings.module.css'

export function NotKeptPage() {
  const { data, error, isPending, refetch } = useQuery(notKeptQuery)
  return (
    <div className={css.page}>
      {isPending && <ProgressBar />}
      {error && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {data && data.paths.length === 0 && data.dropped.length === 0 && <NothingLost />}
      {data && (data.paths.length > 0 || data.dropped.length > 0) && (
        <>
          <Paths paths={data.paths} />
          <DroppedTable dropped={data.dropped} />
        </>
      )}
    </div>
  )
}

function NothingLost() {
  return (
    <Empty title="Everything that was sent was kept" icon={<CircleCheck size={28} aria-hidden />}>
      <p>
        Agents also send data for which Galgo has no place yet, such as processes or traces. When that
        happens, this page says what it was, how much, and who sent it.
      </p>
    </Empty>
  )
}

function Paths({ paths }: { paths: readonly NotKeptPath[] }) {
  const rows = [...paths].sort((left, right) => right.requests - left.requests)
  return (
    <section className={css.section}>
      <div>
        <h2>Received and not kept</h2>
        <p className={text.quiet}>
          These requests were answered as if their content were stored, since agents would repeat them for
          ever otherwise.
        </p>
      </div>
      <div className={css.card}>
        {rows.length === 0 && <p className={css.none}>Nothing so far.</p>}
        {rows.length > 0 && (
          <div className={css.scroll} tabIndex={0} role="region" aria-label="Paths, scrollable">
            <table className={css.table}>
              <thead>
                <tr>
                  <th scope="col">What</th>
                  <th scope="col">Path</th>
                  <th scope="col" data-end="true">
                    Requests
                  </th>
                  <th scope="col" data-end="true">
                    Size
                  </th>
                  <th scope="col">Senders</th>
                  <th scope="col">First</th>
                  <th scope="col">Last</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => (
                  <PathRow key={`${row.method ?? ''} ${row.path}`} row={row} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </div>
    </section>
  )
}

function PathRow({ row }: { row: NotKeptPath }) {
  return (
    <tr>
      <td className={css.what}>
        {row.what ?? 'unknown'}
        <span className={text.quiet}>{row.why ?? 'a path that Galgo does not know'}</span>
      </td>
      <td className={text.mono}>
        {row.method && `${row.method} `}
        {row.path}
      </td>
      <td data-end="true">{formatValue(row.requests)}</td>
      <td data-end="true">{bytesText(row.bytes)}</td>
      <td className={css.senders}>
        {row.senders.map((sender) => (
          <span key={sender}>{sender}</span>
        ))}
      </td>
      <td>
        <Ago at={row.first_seen} />
      </td>
      <td>
        <Ago at={row.last_seen} />
      </td>
    </tr>
  )
}

function DroppedTable({ dropped }: { dropped: readonly Dropped[] }) {
  const rows = [...dropped].sort((left, right) => right.count - left.count)
  return (
    <section className={css.section}>
      <div>
        <h2>Dropped from what is kept</h2>
        <p className={text.quiet}>
          Single points and tags that broke a rule or a limit, while the rest was stored.
        </p>
      </div>
      <div className={css.card}>
        {rows.length === 0 && <p className={css.none}>Nothing was dropped.</p>}
        {rows.length > 0 && (
          <div className={css.scroll} tabIndex={0} role="region" aria-label="Reasons, scrollable">
            <table className={css.table}>
              <thead>
                <tr>
                  <th scope="col">Reason</th>
                  <th scope="col" data-end="true">
                    Count
                  </th>
                  <th scope="col">Example</th>
                  <th scope="col">Last</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => (
                  <tr key={row.reason}>
                    <td>{row.reason}</td>
                    <td data-end="true">{formatValue(row.count)}</td>
                    <td className={css.example}>{row.example ?? '–'}</td>
                    <td>
                      <Ago at={row.last_seen} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </div>
    </section>
  )
}
