// The infrastructure list: every host that reported lately.
import { getRouteApi } from '@tanstack/react-router'
import { Download } from 'lucide-react'
import { useDeferredValue, useMemo, useRef, useState } from 'react'
import { useShortcut } from '@/keyboard'
import { Button, Command, Empty, ErrorNote, ProgressBar, SearchInput } from '@/ui'
import { ColumnMenu, useColumns } from '@/ui/columns'
import { DataTable } from '@/ui/data-table'
import { Facet, FacetList } from '@/ui/facets'
import { ListPage } from '@/ui/list-page'
import { useRowWalk } from '@/ui/row-walk'
import { readSort, sortRows, sortText } from '@/ui/table-order'
import text from '@/ui/text.module.css'
import { useTyped } from '@/ui/use-typed'
import { download, hostsCsv } from '../csv'
import { chosenValues, hostTest, stateOf, tagFacets, toggleTerm } from '../filter'
import { HostPanel } from '../host/panel'
import { useHosts } from '../queries'
import type { ListSearch } from '../search'
import type { HostRow } from '../types'
import { shownText } from '../words'
import { BulkBar } from './bulk'
import { COLUMNS } from './columns'

const route = getRouteApi('/app/infrastructure')
const NAME_FIRST = { by: 'name', descending: false }
const nameOf = ({ name }: HostRow) => name
const STATES = ['up', 'down', 'muted'] as const
/** Facets beyond these start closed. */
const OPEN_FACETS = 3
const number = new Intl.NumberFormat('en')

export function HostListPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const set = (change: ListSearch, replace = false) =>
    void navigate({ search: (previous) => ({ ...previous, ...change }), replace })
  const field = useRef<HTMLInputElement>(null)
  useShortcut('/', 'Search', 'List', () => field.current?.focus())
  const setFilter = (q: string) => set({ q: q || undefined }, true)
  const filter = search.q ?? ''
  const [typed, type] = useTyped(filter, setFilter)

  const hosts = useHosts()
  const { rows, matching } = useRows(hosts.rows, search)
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const choice = useColumns('hosts', COLUMNS)
  const open = (name: string) => set({ host: name }, search.host !== undefined)
  useRowWalk({ keys: useMemo(() => rows.map(nameOf), [rows]), open: search.host, onOpen: open })
  const chosen = useMemo(() => rows.filter(({ name }) => selected.has(name)), [rows, selected])

  return (
    <ListPage
      search={
        <SearchInput
          ref={field}
          label="Filter hosts"
          placeholder="Filter by name, app or tag: env:production -role:db"
          value={typed}
          onChange={type}
        />
      }
      actions={
        <>
          <Button
            disabled={rows.length === 0}
            onClick={() => download('hosts.csv', hostsCsv(rows), 'text/csv')}
            aria-label="Export as CSV"
          >
            <Download size={14} aria-hidden />
            CSV
          </Button>
          <ColumnMenu columns={COLUMNS} choice={choice} />
        </>
      }
      bulk={chosen.length > 0 && <BulkBar hosts={chosen} onDone={() => setSelected(new Set())} />}
      summary={!hosts.loading && summaryText(rows, hosts)}
      narrowed={filter.split(' ').filter((term) => term.includes(':')).length + (search.status ? 1 : 0)}
      facets={
        <HostFacets {...{ rows: hosts.rows, matching, search, typed }} onChange={(next) => set(next)} />
      }
      note={hosts.error && <ErrorNote error={hosts.error} onRetry={() => void hosts.refetch()} />}
    >
      {hosts.loading && <ProgressBar />}
      <DataTable
        label="Hosts"
        columns={choice.shown}
        rows={rows}
        rowKey={nameOf}
        sort={readSort(search.sort, NAME_FIRST)}
        onSort={(sort) => set({ sort: sortText(sort) }, true)}
        open={search.host}
        onOpen={({ name }) => open(name)}
        selection={{ keys: selected, onChange: setSelected }}
        empty={
          !hosts.loading &&
          !hosts.error && (
            <NoHosts any={hosts.rows.length > 0} onClear={() => set({ q: undefined, status: undefined })} />
          )
        }
      />
      <HostPanel name={search.host} onClose={() => set({ host: undefined })} />
    </ListPage>
  )
}

function summaryText(rows: readonly HostRow[], hosts: { rows: readonly HostRow[]; total: number }): string {
  const down = rows.filter((host) => !host.up).length
  const cut = hosts.total > hosts.rows.length ? `, the first of ${number.format(hosts.total)}` : ''
  return `${shownText(rows.length, hosts.rows.length)} active within two hours${cut}${down > 0 ? ` · ${number.format(down)} down` : ''}`
}

/** `matching` holds under the text alone, `rows` under the states too. */
function useRows(all: readonly HostRow[], search: ListSearch) {
  const filter = useDeferredValue(search.q ?? '')
  const matching = useMemo(() => all.filter(hostTest(filter)), [all, filter])
  const rows = useMemo(() => {
    const states = new Set(search.status?.split(','))
    const sort = readSort(search.sort, NAME_FIRST)
    const value = COLUMNS.find(({ key }) => key === sort.by)?.value ?? nameOf
    const shown =
      states.size === 0 || search.status === undefined
        ? matching
        : matching.filter((host) => states.has(stateOf(host)))
    return sortRows(shown, value, sort.descending)
  }, [matching, search.status, search.sort])
  return { rows, matching }
}

interface HostFacetsProps {
  rows: readonly HostRow[]
  matching: readonly HostRow[]
  search: ListSearch
  /** What stands in the field, which may not have reached the address yet. */
  typed: string
  onChange: (change: ListSearch) => void
}

function HostFacets({ rows, matching, search, typed, onChange }: HostFacetsProps) {
  const filter = search.q ?? ''
  // A chosen facet must not hide its alternatives: they come from all hosts, the others from those that match.
  const facets = useMemo(() => {
    const all = tagFacets(rows)
    const narrow = new Map(tagFacets(matching).map((facet) => [facet.key, facet]))
    return all.map((facet) =>
      chosenValues(filter, facet.key).size > 0 ? facet : (narrow.get(facet.key) ?? facet),
    )
  }, [rows, matching, filter])
  const states = new Set(search.status?.split(',').filter(Boolean))
  const toggleState = (state: string) => {
    if (!states.delete(state)) states.add(state)
    onChange({ status: [...states].join(',') || undefined })
  }
  const counts = STATES.map((value) => ({
    value,
    count: matching.filter((host) => stateOf(host) === value).length,
  }))
  return (
    <FacetList label="Facets">
      <Facet title="Status" values={counts} chosen={states} onToggle={toggleState} />
      {facets.map(({ key, values }, index) => (
        <Facet
          key={key}
          title={key}
          values={values}
          open={index < OPEN_FACETS}
          chosen={chosenValues(filter, key)}
          onToggle={(value) => onChange({ q: toggleTerm(typed, `${key}:${value}`) || undefined })}
        />
      ))}
    </FacetList>
  )
}

function NoHosts({ any, onClear }: { any: boolean; onClear: () => void }) {
  if (any) {
    return (
      <Empty title="No host matches">
        <p>
          Terms are tags such as <code>env:production</code> or parts of names; all of them must hold.{' '}
          <button type="button" className={text.link} onClick={onClear}>
            Show all hosts
          </button>
        </p>
      </Empty>
    )
  }
  return (
    <Empty title="No hosts yet">
      <p>A host appears with its first report. Point an agent at this server:</p>
      <Command>{`docker run -d -e DD_API_KEY=<key> -e DD_DD_URL=${window.location.origin} datadog/agent:7`}</Command>
      <p>
        Keys and snippets for every client are under <a href="/settings/keys">Settings: API keys</a>.
      </p>
    </Empty>
  )
}
