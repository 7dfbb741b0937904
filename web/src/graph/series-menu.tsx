// What a click on a series offers: show it alone, hide it, copy it, and whatever the page adds (filter, exclude, open).
import { DropdownMenu as Base } from 'radix-ui'
import { Copy, EyeOff, Focus, LocateFixed } from 'lucide-react'
import type { ReactNode } from 'react'
import { MenuHeading, MenuItem, MenuSeparator, toast } from '@/ui'
import floating from '@/ui/floating.module.css'
import type { GraphView } from './card'
import { isolate, toggle } from './legend-state'

export interface SeriesAction {
  label: string
  icon?: ReactNode
  run: () => void
}

export interface SeriesMenuProps {
  view: GraphView
  picked: { series: number; x: number; y: number }
  onClose: () => void
}

export function SeriesMenu({ view, picked, onClose }: SeriesMenuProps) {
  const { state, hidden, setHidden, seriesActions } = view
  const series = state.frame.series[picked.series]
  if (!series) return null
  const keys = state.frame.series.map(({ key }) => key)
  const actions = seriesActions?.(series.tags, series.source) ?? []
  const copy = (text: string) => void navigator.clipboard.writeText(text).then(() => toast('Copied'))
  const place = { position: 'fixed', left: picked.x, top: picked.y, width: 1, height: 1 } as const
  return (
    <Base.Root open modal={false} onOpenChange={(open) => !open && onClose()}>
      <Base.Trigger style={{ ...place, opacity: 0, pointerEvents: 'none' }} tabIndex={-1} aria-hidden />
      <Base.Portal>
        <Base.Content className={floating.panel} align="start" sideOffset={4} collisionPadding={8}>
          <MenuHeading>{series.label}</MenuHeading>
          {keys.length > 1 && (
            <>
              <MenuItem
                icon={<Focus size={14} />}
                onSelect={() => setHidden(isolate(keys, hidden, series.key))}
              >
                {keys.length - hidden.size === 1 ? 'Show all series' : 'Show only this'}
              </MenuItem>
              <MenuItem icon={<EyeOff size={14} />} onSelect={() => setHidden(toggle(hidden, series.key))}>
                Hide this
              </MenuItem>
            </>
          )}
          {actions.map(({ label, icon, run }) => (
            <MenuItem key={label} icon={icon ?? <LocateFixed size={14} />} onSelect={run}>
              {label}
            </MenuItem>
          ))}
          <MenuSeparator />
          <MenuItem icon={<Copy size={14} />} onSelect={() => copy(series.label)}>
            Copy the name
          </MenuItem>
        </Base.Content>
      </Base.Portal>
    </Base.Root>
  )
}
