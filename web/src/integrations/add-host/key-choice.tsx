// Which API key goes into the commands. The server keeps only the end of a key, so an old one is filled in by hand; a
// new one is shown once, here.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { KeyRound } from 'lucide-react'
import { sessionQuery } from '@/api/queries'
import { createKey, keysQuery } from '@/settings'
import { Button, ErrorNote, Select } from '@/ui'
import text from '@/ui/text.module.css'
import css from './add-host.module.css'

const NEW_NAME = 'host agents'
const NONE = 'none'

export interface ChosenKey {
  /** What stands in the commands: the key, or words in its place. */
  shown: string
  id: string
  complete: boolean
}

export const NO_KEY: ChosenKey = { shown: '<API key>', id: NONE, complete: false }

export function KeyChoice({ chosen, onChoose }: { chosen: ChosenKey; onChoose: (key: ChosenKey) => void }) {
  const client = useQueryClient()
  const role = useQuery(sessionQuery).data?.user.role
  const keys = useQuery({ ...keysQuery('api-keys'), enabled: role !== undefined && role !== 'read-only' })
  const create = useMutation({
    mutationFn: () => createKey('api-keys', NEW_NAME),
    onSuccess: (key) => {
      onChoose({ shown: key.key, id: key.id, complete: true })
      return client.invalidateQueries({ queryKey: ['settings', 'api-keys'] })
    },
  })
  const choices = [
    { value: NONE, label: 'Choose an API key' },
    ...(keys.data ?? []).map(({ id, name, last4 }) => ({ value: id, label: `${name} (…${last4})` })),
  ]
  const choose = (id: string) => {
    const key = keys.data?.find((known) => known.id === id)
    onChoose(key ? { shown: `<API key “${key.name}”, …${key.last4}>`, id, complete: false } : { ...NO_KEY })
  }
  return (
    <div className={css.key}>
      <Select label="API key" value={chosen.id} choices={choices} onChange={choose} />
      {role === 'admin' && (
        <Button disabled={create.isPending} onClick={() => create.mutate()}>
          <KeyRound size={14} aria-hidden />
          New API key
        </Button>
      )}
      <span className={text.quiet} role="status">
        {chosen.complete
          ? 'A new key is in the commands below. It is shown this once.'
          : chosen.id === NONE
            ? 'The commands need one.'
            : 'The server keeps only the end of a key: put the whole in its place.'}
      </span>
      {(create.error ?? keys.error) && <ErrorNote error={create.error ?? keys.error} />}
    </div>
  )
}
