// The host map: every host as a hexagon, filled by how busy it is.
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useCallback, useMemo, useRef } from 'react'
import type { UnitPair } from '@/api/types'
import { formatValue } from '@/format/value'
import { useShortcut } from '@/keyboard'
import { useTimeWindow } from '@/time'
import { Empty, ErrorNote, ProgressBar, SearchInput } from '@/ui'
import text from '@/ui/text.module.css'
import { useTyped } from '@/ui/use-typed'
import { hostTest, tagFacets, tellingTags } from '../filter'
import { HostPanel } from '../host/panel'
import { HostStatus } from '../host-status'
import { useHosts } from '../queries'
import type { MapSearch } from '../search'
import type { HostRow } from '../types'
import { shownText } from '../words'
import { MapCanvas } from './canvas'
import { GroupPicker, Legend, MetricPicker } from './controls'
import { DEFAULT_FILL, rangeOf, readFill } from './fill'
import type { Fill } from './fill'
import { entriesOf, readGroups } from './groups'
import { fillColor, shareOf, sizeShare } from './palette'
import type { HostLook } from './paint'
import { hostValuesQuery, valueOf } from './values'
import css from './map.module.css'

const route = getRouteApi('/app/infrastructure/map')

export function HostMapPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const set = useCallback(
    (change: MapSearch, replace = false) =>
      void navigate({ search: (previous) => ({ ...previous, ...change }), replace }),
    [navigate],
  )
  const field = useRef<HTMLInputElement>(null)
  useShortcut('/', 'Search', 'List', () => field.current?.focus())
  const [typed, type] = useTyped(search.q ?? '', (q) => set({ q: q || undefined }, true))

  const all = useHosts()
  const hosts = useMemo(() => all.rows.filter(hostTest(search.q ?? '')), [all.rows, search.q])
  const keys = useMemo(() => tagFacets(all.rows).map(({ key }) => key), [all.rows])
  const groups = useMemo(() => readGroups(search.group), [search.group])
  const entries = useMemo(() => entriesOf(hosts, groups), [hosts, groups])
  const readings = useReadings(hosts, search)
  const looks = useLooks(hosts, readings)
  const open = search.host === undefined ? -1 : hosts.findIndex(({ name }) => name === search.host)
  const describe = useCallback(
    (index: number) => describeHost(hosts[index], readings.fill, looks[index], readings.sizeText(index)),
    [hosts, readings, looks],
  )
  const error = all.error ?? readings.error
  return (
    <div className={css.page}>
      <div className={css.controls}>
        <div className={css.filter}>
          <SearchInput
            ref={field}
            label="Filter hosts"
            placeholder="Filter: env:production -role:db"
            value={typed}
            onChange={type}
          />
        </div>
        <MetricPicker
          label="Fill by"
          value={readings.fill}
          onChange={(fill) =>
            set({ fill: fill && fill !== DEFAULT_FILL ? fill.id : undefined, min: undefined, max: undefined })
          }
        />
        <MetricPicker
          label="Size by"
          value={readings.size}
          none="All alike"
          onChange={(size) => set({ size: size?.id })}
        />
        <GroupPicker
          keys={keys}
          groups={groups}
          onChange={(next) => set({ group: next.join(',') || undefined })}
        />
      </div>
      <div className={css.line}>
        <p className={text.quiet} role="status">
          {!all.loading && shownText(hosts.length, all.rows.length)}
        </p>
        <Legend
          range={readings.range}
          unit={readings.unit}
          min={search.min}
          max={search.max}
          without={hosts.length - readings.known}
          onChange={(range) => set(range, true)}
        />
      </div>
      {error && <ErrorNote error={error} onRetry={() => void all.refetch()} />}
      <div className={css.map}>
        {(all.loading || readings.loading) && <ProgressBar />}
        {hosts.length > 0 && (
          <MapCanvas
            entries={entries}
            depth={groups.length}
            looks={looks}
            open={open}
            onOpen={(index) => set({ host: hosts[index]?.name }, search.host !== undefined)}
            describe={describe}
          />
        )}
        {!all.loading && !all.error && hosts.length === 0 && <NoHosts any={all.rows.length > 0} />}
      </div>
      <HostPanel name={search.host} onClose={() => set({ host: undefined })} />
    </div>
  )
}

interface Readings {
  fill: Fill
  size: Fill | undefined
  /** By index of host. */
  fills: (number | undefined)[]
  sizes: (number | undefined)[]
  sizeMax: number
  sizeText: (index: number) => string | undefined
  range: [min: number, max: number]
  unit: UnitPair
  /** How many hosts have the metric. */
  known: number
  error: Error | null
  loading: boolean
}

function useReadings(hosts: readonly HostRow[], search: MapSearch): Readings {
  const window = useTimeWindow()
  const fill = readFill(search.fill) ?? DEFAULT_FILL
  const size = readFill(search.size)
  const fillAnswer = useQuery(hostValuesQuery(fill, window))
  const sizeAnswer = useQuery({ ...hostValuesQuery(size ?? fill, window), enabled: size !== undefined })
  const { min, max } = search
  return useMemo(() => {
    const fills = hosts.map((host) => valueOf(host, fillAnswer.data))
    const sizes = hosts.map((host) => (size ? valueOf(host, sizeAnswer.data) : undefined))
    const known = fills.filter((value) => value !== undefined)
    const sizeUnit = size?.unit ?? sizeAnswer.data?.unit ?? null
    return {
      fill,
      size,
      fills,
      sizes,
      sizeMax: sizes.reduce<number>((most, value) => Math.max(most, value ?? 0), 0),
      sizeText: (index) => size && `${size.label}: ${formatValue(sizes[index], sizeUnit)}`,
      range: rangeOf(fill, known, { min, max }),
      unit: fill.unit ?? fillAnswer.data?.unit ?? null,
      known: known.length,
      error: fillAnswer.error ?? sizeAnswer.error,
      loading: fillAnswer.isLoading,
    }
  }, [hosts, fill, size, fillAnswer, sizeAnswer, min, max])
}

function useLooks(hosts: readonly HostRow[], readings: Readings): HostLook[] {
  return useMemo(() => {
    const { fills, sizes, sizeMax, size, range, unit } = readings
    return hosts.map((host, index) => {
      const value = fills[index]
      return {
        name: host.name,
        fill: value === undefined ? undefined : fillColor(shareOf(value, range[0], range[1])),
        size: size ? sizeShare(sizes[index], sizeMax) : 1,
        value: value === undefined ? 'no data' : formatValue(value, unit),
        down: !host.up,
        muted: host.is_muted,
      }
    })
  }, [hosts, readings])
}

const SHOWN_TAGS = 6

function describeHost(
  host: HostRow | undefined,
  fill: Fill,
  look: HostLook | undefined,
  size: string | undefined,
) {
  if (!host || !look) return { text: '', card: null }
  const state = host.is_muted ? 'muted' : host.up ? 'up' : 'down'
  const reading = `${fill.label}: ${look.value}`
  const tags = tellingTags(host.tags)
  return {
    text: [host.name, state, reading, size].filter(Boolean).join(', '),
    card: (
      <>
        <strong>{host.name}</strong>
        <span>{reading}</span>
        {size && <span>{size}</span>}
        <HostStatus up={host.up} muted={host.is_muted} />
        {host.apps.length > 0 && <span className={text.quiet}>{host.apps.join(', ')}</span>}
        <span className={text.quiet}>
          {tags.slice(0, SHOWN_TAGS).join(', ')}
          {tags.length > SHOWN_TAGS && ` and ${tags.length - SHOWN_TAGS} more`}
        </span>
      </>
    ),
  }
}

function NoHosts({ any }: { any: boolean }) {
  return any ? (
    <Empty title="No host matches">
      <p>Change the filter above, or clear it to see all hosts.</p>
    </Empty>
  ) : (
    <Empty title="No hosts yet">
      <p>
        A host appears with its first report. Keys and snippets for agents are under{' '}
        <a href="/settings/keys">Settings: API keys</a>.
      </p>
    </Empty>
  )
}
