// The row of figures on top of the home page.
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { statusQuery } from '@/api/queries'
import type { Unit, UnitPair } from '@/api/types'
import { countText, formatValue } from '@/format/value'
import { Card } from '@/ui'
import css from './home.module.css'
import { hostTotalsQuery, metricTotalQuery } from './queries'

const unit = (family: string, name: string): UnitPair => [
  { id: 0, family, name, plural: name, short_name: '', scale_factor: 1 } satisfies Unit,
  null,
]
const BYTES = unit('bytes', 'byte')
const SECONDS = unit('time', 'second')

function Tile({
  label,
  value,
  note,
  to,
}: {
  label: string
  value: ReactNode
  note?: ReactNode
  to?: string
}) {
  const inner = (
    <>
      <span className={css.tileLabel}>{label}</span>
      <strong className={css.tileValue}>{value}</strong>
      <span className={css.tileNote}>{note}</span>
    </>
  )
  return (
    <Card className={css.tile}>
      {to ? (
        <Link to={to} className={css.tileLink}>
          {inner}
        </Link>
      ) : (
        <div className={css.tileLink}>{inner}</div>
      )}
    </Card>
  )
}

const PENDING = '–'

export function Tiles() {
  const hosts = useQuery(hostTotalsQuery).data
  const metrics = useQuery(metricTotalQuery).data
  const status = useQuery(statusQuery).data
  const down = hosts ? hosts.total_active - hosts.total_up : 0
  return (
    <div className={css.tiles}>
      <Tile
        label="Hosts"
        value={hosts ? formatValue(hosts.total_active) : PENDING}
        note={hosts && (down > 0 ? `${down} not reporting` : 'all reporting')}
      />
      <Tile
        label="Metrics"
        value={metrics === undefined ? PENDING : formatValue(metrics)}
        note="by name"
        to="/metrics/explorer"
      />
      <Tile
        label="Series"
        value={status ? formatValue(status.series) : PENDING}
        note={status && `${formatValue(status.ingest.points_per_second)} points/s`}
      />
      <Tile
        label="Points kept"
        value={status ? formatValue(status.points) : PENDING}
        note={status && countText(status.segments, 'segment')}
      />
      <Tile
        label="On disk"
        value={status ? formatValue(status.disk_bytes, BYTES) : PENDING}
        note={status && `${formatValue(status.wal_bytes, BYTES)} of it in the log`}
      />
      <Tile
        label="Server up for"
        value={status ? formatValue(status.uptime, SECONDS) : PENDING}
        note={status && `Galgo ${status.version}`}
      />
    </div>
  )
}
