// The `?` sheet: the keys that are bound at this moment, by group.
import { useShortcuts } from '@/keyboard'
import { Dialog, Kbd } from '@/ui'
import css from './key-sheet.module.css'

export function KeySheet({ open, onClose }: { open: boolean; onClose: () => void }) {
  const bound = useShortcuts()
  const unique = [...new Map(bound.map((shortcut) => [shortcut.keys, shortcut])).values()]
  const groups = Object.entries(Object.groupBy(unique, (shortcut) => shortcut.group))
  return (
    <Dialog open={open} onClose={onClose} title="Keyboard shortcuts" width={680}>
      <div className={css.groups}>
        {groups.map(([group, entries]) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>
              {entries?.map((entry) => (
                <div key={entry.keys} className={css.row}>
                  <dt>{entry.label}</dt>
                  <dd className={css.keys}>
                    <Kbd keys={entry.keys} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  )
}
