// A facet over dotted names: `system` › `cpu`, each with how many names lie below it.
import { ChevronRight } from 'lucide-react'
import { useState } from 'react'
import { groupBy } from './group-by'
import css from './facets.module.css'

export interface PrefixNode {
  /** The last part: `cpu`. */
  name: string
  /** The whole of it: `system.cpu`. */
  prefix: string
  count: number
  children: readonly PrefixNode[]
}

/** Deeper levels say less than the search field does. */
const MAX_DEPTH = 4

/** Names by their dotted parts; a part that holds a single name is left to the list itself. */
export function prefixTree(names: readonly string[], depth = 0): PrefixNode[] {
  if (depth >= MAX_DEPTH) return []
  const groups = groupBy(
    names.filter((name) => name.split('.').length > depth + 1),
    (name) => name.split('.', depth + 1).join('.'),
  )
  const nodes = [...groups].map(([prefix, inside]) => ({
    name: prefix.slice(prefix.lastIndexOf('.') + 1),
    prefix,
    count: inside.length,
    children: prefixTree(inside, depth + 1).filter((child) => child.count > 1 && child.count < inside.length),
  }))
  return nodes.sort((left, right) => left.prefix.localeCompare(right.prefix))
}

export interface PrefixTreeProps {
  nodes: readonly PrefixNode[]
  /** The chosen prefix. */
  chosen: string
  onChoose: (prefix: string) => void
}

export function PrefixTree({ nodes, chosen, onChoose }: PrefixTreeProps) {
  return (
    <ul>
      {nodes.map((node) => (
        <Branch key={node.prefix} node={node} chosen={chosen} onChoose={onChoose} />
      ))}
    </ul>
  )
}

function Branch({ node, chosen, onChoose }: { node: PrefixNode } & Omit<PrefixTreeProps, 'nodes'>) {
  const on = chosen === node.prefix
  const [open, setOpen] = useState(chosen.startsWith(`${node.prefix}.`))
  const leaf = node.children.length === 0
  return (
    <li>
      <div className={css.node} data-on={on}>
        <button
          type="button"
          className={css.nodeToggle}
          aria-label={`${open ? 'Close' : 'Open'} ${node.prefix}`}
          aria-expanded={leaf ? undefined : open}
          disabled={leaf}
          onClick={() => setOpen(!open)}
        >
          <ChevronRight size={14} className={css.chevron} data-open={open} aria-hidden />
        </button>
        <button
          type="button"
          className={css.nodeName}
          aria-pressed={on}
          title={node.prefix}
          onClick={() => onChoose(on ? '' : node.prefix)}
        >
          <span className={css.name}>{node.name}</span>
          <span className={css.count}>{node.count}</span>
        </button>
      </div>
      {open && !leaf && (
        <div className={css.branch}>
          <PrefixTree nodes={node.children} chosen={chosen} onChoose={onChoose} />
        </div>
      )}
    </li>
  )
}
