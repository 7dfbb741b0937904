// The menu of a graph: full screen, explorer, link, query, files.
import { useNavigate } from '@tanstack/react-router'
import {
  ClipboardCopy,
  Code,
  Ellipsis,
  Image,
  Link as LinkIcon,
  Maximize2,
  Search,
  Table,
} from 'lucide-react'
import type { RefObject } from 'react'
import { messageOf } from '@/api/client'
import { explorerPath } from '@/query/link'
import { useTheme } from '@/theme'
import { useTimeRange } from '@/time'
import { windowText } from '@/time/format'
import { Button, Menu, MenuItem, MenuSeparator, toast } from '@/ui'
import type { GraphView } from './card'
import { csvOf, fileName, jsonOf, pictureOf, save } from './export'
import css from './graph.module.css'
import type { PartRequest } from './use-frame'

export interface GraphMenuProps {
  title: string
  parts: readonly PartRequest[]
  view: GraphView
  /** The element that holds the graph's canvas. */
  root: RefObject<HTMLElement | null>
  onFullScreen?: () => void
}

/** Every query of a graph by name, and its formulas. */
export function sourcesOf(parts: readonly PartRequest[]) {
  const queries = new Map(
    parts.flatMap((part) => part.queries.map(({ name, query }) => [name, query] as const)),
  )
  const formulas = parts.flatMap(({ formula }) => (formula === undefined ? [] : [formula]))
  return { queries: [...queries].map(([name, query]) => ({ name, query })), formulas }
}

export function useExports({ title, parts, view, root }: GraphMenuProps) {
  const theme = useTheme()
  const { range } = useTimeRange()
  const { frame } = view.state
  const copy = (text: string, what: string) =>
    navigator.clipboard.writeText(text).then(
      () => toast(`${what} copied`),
      () => toast(`The browser does not allow copying`),
    )
  const picture = () => {
    const canvas = root.current?.querySelector('canvas')
    if (!canvas) return Promise.reject(new Error('there is no picture yet'))
    const subtitle = windowText(view.window.from, view.window.to)
    return pictureOf({ canvas, frame, hidden: view.hidden, title, subtitle, theme })
  }
  const path = explorerPath({ ...sourcesOf(parts), kind: view.style.kind, range })
  const failed = (error: unknown) => toast(messageOf(error))
  return {
    path,
    copyLink: () => void copy(window.location.origin + path, 'Link'),
    copyQuery: () =>
      void copy(parts.map((part) => part.formula ?? part.queries[0]?.query ?? '').join('\n'), 'Query'),
    savePng: () => void picture().then((blob) => save(fileName(title, 'png'), blob), failed),
    copyPng: () =>
      void picture()
        .then((blob) => navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })]))
        .then(() => toast('Picture copied'), failed),
    saveCsv: () => save(fileName(title, 'csv'), csvOf(frame), 'text/csv'),
    saveJson: () => save(fileName(title, 'json'), jsonOf(frame, title), 'application/json'),
  }
}

export function GraphMenu(props: GraphMenuProps) {
  const navigate = useNavigate()
  const exports = useExports(props)
  const trigger = (
    <Button kind="quiet" small className={css.menuButton} aria-label={`Menu of ${props.title}`}>
      <Ellipsis size={16} />
    </Button>
  )
  return (
    <Menu trigger={trigger}>
      {props.onFullScreen && (
        <MenuItem icon={<Maximize2 size={14} />} hint="F" onSelect={props.onFullScreen}>
          Full screen
        </MenuItem>
      )}
      <MenuItem icon={<Search size={14} />} onSelect={() => void navigate({ href: exports.path })}>
        Open in the explorer
      </MenuItem>
      <MenuSeparator />
      <MenuItem icon={<LinkIcon size={14} />} onSelect={exports.copyLink}>
        Copy link
      </MenuItem>
      <MenuItem icon={<Code size={14} />} onSelect={exports.copyQuery}>
        Copy query
      </MenuItem>
      <MenuItem icon={<ClipboardCopy size={14} />} onSelect={exports.copyPng}>
        Copy picture
      </MenuItem>
      <MenuSeparator />
      <MenuItem icon={<Image size={14} />} onSelect={exports.savePng}>
        Save as PNG
      </MenuItem>
      <MenuItem icon={<Table size={14} />} onSelect={exports.saveCsv}>
        Save as CSV
      </MenuItem>
      <MenuItem icon={<Code size={14} />} onSelect={exports.saveJson}>
        Save as JSON
      </MenuItem>
    </Menu>
  )
}
