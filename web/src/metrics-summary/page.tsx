// The metrics summary: every metric there is, what it means, and who sends it.
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useDeferredValue, useMemo, useRef } from 'react'
import { useShortcut } from '@/keyboard'
import { Command, Empty, ErrorNote, ProgressBar, SearchInput, Select } from '@/ui'
import { ColumnMenu, useColumns } from '@/ui/columns'
import { DataTable } from '@/ui/data-table'
import { Facet, FacetList } from '@/ui/facets'
import { ListPage } from '@/ui/list-page'
import { PrefixTree, prefixTree } from '@/ui/prefix-tree'
import { useRowWalk } from '@/ui/row-walk'
import { readSort, sortRows, sortText } from '@/ui/table-order'
import text from '@/ui/text.module.css'
import { useTyped } from '@/ui/use-typed'
import { COLUMNS } from './columns'
import { facetsOf, filterMetrics, readList, readWords, toggleIn } from './filter'
import type { SummarySearch } from './filter'
import { MetricPanel } from './panel'
import { metricListQuery } from './queries'
import type { MetricList, MetricRow } from './queries'

const route = getRouteApi('/app/metrics/summary')
const NAME_FIRST = { by: 'name', descending: false }
const NO_METRICS: readonly MetricRow[] = []
const DAY_S = 86_400
const WINDOWS = [
  { value: '3600', label: 'Seen in the past hour' },
  { value: String(DAY_S), label: 'Seen in the past day' },
  { value: String(7 * DAY_S), label: 'Seen in the past week' },
  { value: String(30 * DAY_S), label: 'Seen in the past month' },
]
const DEFAULT_WINDOW = String(7 * DAY_S)
const number = new Intl.NumberFormat('en')

export function MetricsSummaryPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const set = (change: SummarySearch, replace = false) =>
    void navigate({ search: (previous) => ({ ...previous, ...change }), replace })
  const searchField = useRef<HTMLInputElement>(null)
  useShortcut('/', 'Search', 'List', () => searchField.current?.focus())

  const [typed, type] = useTyped(search.q ?? '', (q) => set({ q: q || undefined }, true))
  const { list, rows, facets, words, error, refetch, loading } = useMetrics(search)
  const types = readList(search.type)
  const prefix = search.prefix ?? ''
  const tree = useMemo(() => prefixTree(facets.names), [facets.names])
  const choice = useColumns('metrics-summary', COLUMNS)
  const open = (name: string) => set({ metric: name }, search.metric !== undefined)
  useRowWalk({ keys: useMemo(() => rows.map(({ name }) => name), [rows]), open: search.metric, onOpen: open })

  return (
    <ListPage
      search={
        <SearchInput
          ref={searchField}
          label="Search metrics"
          placeholder="Search by name or description, or by tag: env:production"
          value={typed}
          onChange={type}
        />
      }
      actions={
        <>
          <Select
            label="Seen in"
            value={search.window ?? DEFAULT_WINDOW}
            choices={WINDOWS}
            onChange={(window) => set({ window: window === DEFAULT_WINDOW ? undefined : window })}
          />
          <ColumnMenu columns={COLUMNS} choice={choice} />
        </>
      }
      summary={list && summaryText(rows.length, list)}
      narrowed={types.size + Number(prefix !== '')}
      facets={
        <FacetList label="Facets">
          <Facet
            title="Type"
            values={facets.types}
            chosen={types}
            onToggle={(type) => set({ type: toggleIn(search.type, type) })}
          />
          <Facet
            title="Prefix"
            values={[]}
            chosen={new Set(prefix === '' ? [] : [prefix])}
            onToggle={() => undefined}
          >
            <PrefixTree
              nodes={tree}
              chosen={prefix}
              onChoose={(next) => set({ prefix: next || undefined })}
            />
          </Facet>
        </FacetList>
      }
      note={error && <ErrorNote error={error} onRetry={refetch} />}
    >
      {loading && <ProgressBar />}
      <DataTable
        label="Metrics"
        columns={choice.shown}
        rows={rows}
        rowKey={nameOf}
        sort={readSort(search.sort, NAME_FIRST)}
        onSort={(sort) => set({ sort: sortText(sort) }, true)}
        open={search.metric}
        onOpen={({ name }) => open(name)}
        empty={list && <NoMetrics any={list.metrics.length > 0} words={words} onClear={() => set(NOTHING)} />}
      />
      <MetricPanel
        name={search.metric}
        onClose={() => set({ metric: undefined })}
        onTag={(tag) => set({ q: [...new Set([...typed.split(' ').filter(Boolean), tag])].join(' ') })}
      />
    </ListPage>
  )
}

const nameOf = ({ name }: MetricRow) => name
const NOTHING: SummarySearch = { q: undefined, type: undefined, prefix: undefined }

function summaryText(shown: number, list: MetricList): string {
  const all = list.metrics.length
  const cut =
    list.total > all ? `, the first ${number.format(all)} of ${number.format(list.total)} loaded` : ''
  return shown === all
    ? `${number.format(all)} metrics${cut}`
    : `${number.format(shown)} of ${number.format(all)} metrics${cut}`
}

function useMetrics(search: SummarySearch) {
  const typed = useMemo(() => readWords(search.q ?? ''), [search.q])
  const window = Number(search.window ?? DEFAULT_WINDOW) || Number(DEFAULT_WINDOW)
  const query = useQuery({
    ...metricListQuery({ window, tag: typed.tag }),
    placeholderData: keepPreviousData,
  })
  const metrics = query.data?.metrics ?? NO_METRICS
  const words = useDeferredValue(typed.words)
  const filter = useMemo(
    () => ({ words, types: readList(search.type), prefix: search.prefix ?? '' }),
    [words, search.type, search.prefix],
  )
  const facets = useMemo(() => facetsOf(metrics, filter), [metrics, filter])
  const rows = useMemo(() => {
    const sort = readSort(search.sort, NAME_FIRST)
    const value = COLUMNS.find(({ key }) => key === sort.by)?.value ?? nameOf
    return sortRows(filterMetrics(metrics, filter), value, sort.descending)
  }, [metrics, filter, search.sort])
  return {
    list: query.data,
    rows,
    facets,
    words: search.q ?? '',
    error: query.error,
    refetch: () => void query.refetch(),
    loading: query.isPending || query.isPlaceholderData,
  }
}

function NoMetrics({ any, words, onClear }: { any: boolean; words: string; onClear: () => void }) {
  if (any || words !== '') {
    return (
      <Empty title="No metric matches">
        <p>
          Nothing here has {words === '' ? 'this type and prefix' : `“${words}” in its name or description`}.{' '}
          <button type="button" className={text.link} onClick={onClear}>
            Show all metrics
          </button>
        </p>
      </Empty>
    )
  }
  return (
    <Empty title="No metrics yet">
      <p>Every metric that arrives appears here within seconds. Send one from a shell:</p>
      <Command>{`echo -n 'try.me:1|c' >/dev/udp/127.0.0.1/8125`}</Command>
      <p>
        Or <a href="/settings/keys">connect an agent</a>.
      </p>
    </Empty>
  )
}
