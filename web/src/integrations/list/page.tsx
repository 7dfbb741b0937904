// The integrations list: what runs, what fails, what could be switched on.
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { Plus } from 'lucide-react'
import { useDeferredValue, useMemo, useRef } from 'react'
import { useShortcut } from '@/keyboard'
import { cx, Empty, ErrorNote, ProgressBar, SearchInput } from '@/ui'
import button from '@/ui/button.module.css'
import { ColumnMenu, useColumns } from '@/ui/columns'
import { DataTable } from '@/ui/data-table'
import { Facet, FacetList } from '@/ui/facets'
import { ListPage } from '@/ui/list-page'
import { useRowWalk } from '@/ui/row-walk'
import { readSort, sortRows, sortText } from '@/ui/table-order'
import text from '@/ui/text.module.css'
import { useTyped } from '@/ui/use-typed'
import { facetsOf, filterIntegrations, readList, stateOf, toggleIn } from '../filter'
import { IntegrationPanel } from '../panel/panel'
import { integrationsQuery } from '../queries'
import type { IntegrationsSearch } from '../search'
import type { Integration } from '../types'
import { COLUMNS } from './columns'

const route = getRouteApi('/app/integrations')
const STATE_FIRST = { by: 'state', descending: false }
const NONE: readonly Integration[] = []
const NOTHING: IntegrationsSearch = { q: undefined, state: undefined, category: undefined }
const nameOf = ({ name }: Integration) => name

export function IntegrationsPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const set = (change: IntegrationsSearch, replace = false) =>
    void navigate({ search: (previous) => ({ ...previous, ...change }), replace })
  const field = useRef<HTMLInputElement>(null)
  useShortcut('/', 'Search', 'List', () => field.current?.focus())
  const [typed, type] = useTyped(search.q ?? '', (q) => set({ q: q || undefined }, true))
  const { data, error, refetch, isPending } = useQuery(integrationsQuery)
  const { rows, facets } = useRows(data ?? NONE, search)
  const choice = useColumns('integrations', COLUMNS)
  const open = (integration: string) => set({ integration }, search.integration !== undefined)
  useRowWalk({ keys: useMemo(() => rows.map(nameOf), [rows]), open: search.integration, onOpen: open })

  return (
    <ListPage
      search={
        <SearchInput
          ref={field}
          label="Search integrations"
          placeholder="Search by name or by what it measures"
          value={typed}
          onChange={type}
        />
      }
      actions={
        <>
          <Link to="/integrations/add-host" className={cx(button.button, button.primary)}>
            <Plus size={14} aria-hidden />
            Add a host
          </Link>
          <ColumnMenu columns={COLUMNS} choice={choice} />
        </>
      }
      summary={data && summaryText(rows, data)}
      narrowed={readList(search.state).size + readList(search.category).size}
      facets={
        <FacetList label="Facets">
          <Facet
            title="Status"
            values={facets.states}
            chosen={readList(search.state)}
            onToggle={(value) => set({ state: toggleIn(search.state, value) })}
          />
          <Facet
            title="Category"
            values={facets.categories}
            chosen={readList(search.category)}
            onToggle={(value) => set({ category: toggleIn(search.category, value) })}
          />
        </FacetList>
      }
      note={<Notes error={error} onRetry={() => void refetch()} rows={data} />}
    >
      {isPending && <ProgressBar />}
      <DataTable
        label="Integrations"
        columns={choice.shown}
        rows={rows}
        rowKey={nameOf}
        rowName={({ title }) => title}
        sort={readSort(search.sort, STATE_FIRST)}
        onSort={(sort) => set({ sort: sortText(sort) }, true)}
        open={search.integration}
        onOpen={({ name }) => open(name)}
        empty={data && <NoMatch onClear={() => set(NOTHING)} />}
      />
      <IntegrationPanel
        name={search.integration}
        tab={search.tab}
        onTab={(tab) => set({ tab }, true)}
        onClose={() => set({ integration: undefined, tab: undefined })}
      />
    </ListPage>
  )
}

function useRows(all: readonly Integration[], search: IntegrationsSearch) {
  const words = useDeferredValue(search.q ?? '')
  const filter = useMemo(
    () => ({ words, states: readList(search.state), categories: readList(search.category) }),
    [words, search.state, search.category],
  )
  const facets = useMemo(() => facetsOf(all, filter), [all, filter])
  const rows = useMemo(() => {
    const sort = readSort(search.sort, STATE_FIRST)
    const value = COLUMNS.find(({ key }) => key === sort.by)?.value ?? nameOf
    return sortRows(filterIntegrations(all, filter), value, sort.descending)
  }, [all, filter, search.sort])
  return { rows, facets }
}

function summaryText(rows: readonly Integration[], all: readonly Integration[]): string {
  const shown = rows.length === all.length ? `${all.length}` : `${rows.length} of ${all.length}`
  const states = all.map(stateOf)
  const running = states.filter((state) => state !== 'available' && state !== 'silent').length
  const failing = states.filter((state) => state === 'errors').length
  return `${shown} integrations, ${running} running${failing > 0 ? `, ${failing} with errors` : ''}`
}

interface NotesProps {
  error: unknown
  onRetry: () => void
  rows: readonly Integration[] | undefined
}

function Notes({ error, onRetry, rows }: NotesProps) {
  if (error) return <ErrorNote error={error} onRetry={onRetry} />
  if (!rows || rows.some(({ hosts }) => hosts > 0)) return null
  return (
    <p className={text.quiet}>
      No agent has reported its checks yet: it takes a minute or two after the first start.{' '}
      <Link to="/integrations/add-host">Add a host</Link>
    </p>
  )
}

function NoMatch({ onClear }: { onClear: () => void }) {
  return (
    <Empty title="No integration matches">
      <p>
        What is not here can be measured by{' '}
        <Link to="/integrations" search={{ integration: 'custom_check', tab: 'configuration' }}>
          a few lines of Python
        </Link>
        .{' '}
        <button type="button" className={text.link} onClick={onClear}>
          Show all integrations
        </button>
      </p>
    </Empty>
  )
}
