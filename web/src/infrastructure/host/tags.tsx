// Tags of a host by where they come from; those that people set can be changed here.
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Plus, X } from 'lucide-react'
import { useState } from 'react'
import type { FormEvent } from 'react'
import { Button, ErrorNote, IconButton, Input, Tag, toast } from '@/ui'
import text from '@/ui/text.module.css'
import { setUserTags, USER_SOURCE } from '../queries'
import type { HostDetail } from '../types'
import css from './host.module.css'

/** What people set comes first, then what agents report. */
export function sourcesOf(bySource: Record<string, string[]>): [source: string, tags: string[]][] {
  const isUsers = (source: string) => source.toLowerCase() === USER_SOURCE
  return Object.entries(bySource).sort(
    ([left], [right]) => Number(isUsers(right)) - Number(isUsers(left)) || left.localeCompare(right),
  )
}

export function HostTags({ host }: { host: HostDetail }) {
  const sources = sourcesOf(host.tags_by_source)
  const [users, ...others] =
    sources[0]?.[0].toLowerCase() === USER_SOURCE
      ? sources
      : [['Users', []] as [string, string[]], ...sources]
  return (
    <div className={css.sources}>
      <UserTags name={host.name} tags={users?.[1] ?? []} />
      {others.map(([source, tags]) => (
        <div key={source}>
          <h4 className={css.source}>{source}</h4>
          <div className={css.chips}>
            {tags.map((tag) => (
              <Tag key={tag}>{tag}</Tag>
            ))}
          </div>
        </div>
      ))}
    </div>
  )
}

function UserTags({ name, tags }: { name: string; tags: readonly string[] }) {
  const client = useQueryClient()
  const [adding, setAdding] = useState('')
  const save = useMutation({
    mutationFn: (next: readonly string[]) => setUserTags(name, next),
    onSuccess: () => client.invalidateQueries({ queryKey: ['infrastructure'] }),
  })
  const add = (event: FormEvent) => {
    event.preventDefault()
    const added = adding.split(/[\s,]+/).filter(Boolean)
    if (added.length === 0) return
    save.mutate([...new Set([...tags, ...added])], { onSuccess: () => setAdding('') })
  }
  const remove = (tag: string) =>
    save.mutate(
      tags.filter((other) => other !== tag),
      { onSuccess: () => toast(`Tag ${tag} removed from ${name}`, { undo: () => save.mutate(tags) }) },
    )
  return (
    <div>
      <h4 className={css.source}>Set by people</h4>
      <div className={css.chips}>
        {tags.map((tag) => (
          <span key={tag} className={css.editable}>
            <Tag>{tag}</Tag>
            <IconButton small label={`Remove ${tag}`} disabled={save.isPending} onClick={() => remove(tag)}>
              <X size={12} />
            </IconButton>
          </span>
        ))}
        <form className={css.adder} onSubmit={add}>
          <Input
            aria-label="New tag"
            className={text.mono}
            placeholder="key:value"
            value={adding}
            onChange={(event) => setAdding(event.target.value)}
          />
          <Button type="submit" small disabled={adding.trim() === '' || save.isPending}>
            <Plus size={14} aria-hidden />
            Add
          </Button>
        </form>
      </div>
      {save.error && <ErrorNote error={save.error} />}
    </div>
  )
}
