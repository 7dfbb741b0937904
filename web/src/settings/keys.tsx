// API keys and application keys, and how to use them.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { KeyRound, Trash2 } from 'lucide-react'
import { useState } from 'react'
import type { FormEvent, ReactNode } from 'react'
import { sessionQuery } from '@/api/queries'
import { Button, Command, Dialog, ErrorNote, Field, IconButton, Input, ProgressBar, toast } from '@/ui'
import { Ago } from '@/ui/ago'
import text from '@/ui/text.module.css'
import { Connect } from './connect'
import { createKey, keysQuery, revokeKey } from './queries'
import type { Key, KeyKind, NewKey } from './queries'
import { PLACEHOLDERS } from './snippets'
import css from './settings.module.css'

const KINDS: Record<KeyKind, { title: string; one: string; use: string }> = {
  'api-keys': {
    title: 'API keys',
    one: 'API key',
    use: 'Whoever sends data shows one: agents, libraries, scripts.',
  },
  'application-keys': {
    title: 'Application keys',
    one: 'application key',
    use: 'Whoever reads data or changes settings shows one of these as well. They act with the rights of their owner.',
  },
}

export function KeysPage() {
  const [made, setMade] = useState<Partial<Record<KeyKind, string>>>({})
  const session = useQuery(sessionQuery).data
  const role = session?.user.role
  const remember = (kind: KeyKind) => (key: NewKey) => setMade((before) => ({ ...before, [kind]: key.key }))
  return (
    <div className={css.page}>
      <KeySection kind="api-keys" mayCreate={role === 'admin'} onMade={remember('api-keys')} />
      <KeySection
        kind="application-keys"
        mayCreate={role !== 'read-only'}
        onMade={remember('application-keys')}
      />
      <Connect
        secrets={{
          apiKey: made['api-keys'] ?? PLACEHOLDERS.apiKey,
          appKey: made['application-keys'] ?? PLACEHOLDERS.appKey,
        }}
      />
    </div>
  )
}

interface KeySectionProps {
  kind: KeyKind
  mayCreate: boolean
  onMade: (key: NewKey) => void
}

function KeySection({ kind, mayCreate, onMade }: KeySectionProps) {
  const { data, error, isPending, refetch } = useQuery(keysQuery(kind))
  const [creating, setCreating] = useState(false)
  const [revoking, setRevoking] = useState<Key>()
  const words = KINDS[kind]
  return (
    <section className={css.section}>
      <div className={css.head}>
        <div>
          <h2>{words.title}</h2>
          <p className={text.quiet}>{words.use}</p>
        </div>
        {mayCreate && (
          <Button kind="primary" onClick={() => setCreating(true)}>
            <KeyRound size={14} aria-hidden />
            New {words.one}
          </Button>
        )}
      </div>
      {error && <ErrorNote error={error} onRetry={() => void refetch()} />}
      <div className={css.card}>
        {isPending && <ProgressBar />}
        {data?.length === 0 && <p className={css.none}>There is none yet.</p>}
        {data && data.length > 0 && <KeyTable keys={data} mayRevoke={mayCreate} onRevoke={setRevoking} />}
      </div>
      <CreateDialog
        kind={kind}
        open={creating}
        onClose={() => setCreating(false)}
        onMade={(key) => {
          onMade(key)
          void refetch()
        }}
      />
      <RevokeDialog kind={kind} revoking={revoking} onClose={() => setRevoking(undefined)} />
    </section>
  )
}

interface KeyTableProps {
  keys: readonly Key[]
  mayRevoke: boolean
  onRevoke: (key: Key) => void
}

function KeyTable({ keys, mayRevoke, onRevoke }: KeyTableProps) {
  return (
    <div className={css.scroll} tabIndex={0} role="region" aria-label="Keys, scrollable">
      <table className={css.table}>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Key</th>
            <th scope="col">Owner</th>
            <th scope="col">Created</th>
            <th scope="col">
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {keys.map((key) => (
            <tr key={key.id}>
              <td>
                {key.name}
                {key.from_configuration && <span className={css.badge}>from the configuration</span>}
              </td>
              <td className={text.mono}>…{key.last4}</td>
              <td>{key.owner ?? '–'}</td>
              <td>
                <Ago at={key.created_at} />
              </td>
              <td data-end="true">
                {mayRevoke && (
                  <IconButton small label={`Revoke ${key.name}`} onClick={() => onRevoke(key)}>
                    <Trash2 size={14} />
                  </IconButton>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

interface CreateDialogProps {
  kind: KeyKind
  open: boolean
  onClose: () => void
  onMade: (key: NewKey) => void
}

function CreateDialog({ kind, open, onClose, onMade }: CreateDialogProps) {
  return (
    <Dialog open={open} onClose={onClose} title={`New ${KINDS[kind].one}`} width={560}>
      {open && <CreateForm kind={kind} onClose={onClose} onMade={onMade} />}
    </Dialog>
  )
}

function CreateForm({ kind, onClose, onMade }: Omit<CreateDialogProps, 'open'>) {
  const [name, setName] = useState('')
  const create = useMutation({ mutationFn: (wanted: string) => createKey(kind, wanted), onSuccess: onMade })
  if (create.data) return <Secret made={create.data} onClose={onClose} />
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (name.trim() !== '') create.mutate(name.trim())
  }
  return (
    <form className={css.form} onSubmit={submit}>
      <Field label="Name" help="Who will use it: web servers, the deploy script">
        {(ids) => <Input {...ids} autoFocus value={name} onChange={(event) => setName(event.target.value)} />}
      </Field>
      {create.error && <ErrorNote error={create.error} />}
      <Buttons>
        <Button type="submit" kind="primary" disabled={name.trim() === '' || create.isPending}>
          Create
        </Button>
        <Button kind="quiet" onClick={onClose}>
          Cancel
        </Button>
      </Buttons>
    </form>
  )
}

function Buttons({ children }: { children: ReactNode }) {
  return <div className={css.buttons}>{children}</div>
}

function Secret({ made, onClose }: { made: NewKey; onClose: () => void }) {
  return (
    <div className={css.form}>
      <p>
        This is <strong>{made.name}</strong>. Copy it now: it is stored as a fingerprint only and cannot be
        shown again.
      </p>
      <Command label="The new key">{made.key}</Command>
      <p className={text.quiet}>The snippets on this page carry it until you leave the page.</p>
      <Buttons>
        <Button kind="primary" onClick={onClose}>
          Done
        </Button>
      </Buttons>
    </div>
  )
}

interface RevokeDialogProps {
  kind: KeyKind
  revoking: Key | undefined
  onClose: () => void
}

/** A revoked key cannot come back, since its secret is not stored: so one asks before instead of offering undo. */
function RevokeDialog({ kind, revoking, onClose }: RevokeDialogProps) {
  const client = useQueryClient()
  const revoke = useMutation({
    mutationFn: (key: Key) => revokeKey(kind, key.id),
    onSuccess: async (_, key) => {
      toast(`${KINDS[kind].one} ${key.name} revoked`)
      onClose()
      await client.invalidateQueries({ queryKey: keysQuery(kind).queryKey })
    },
  })
  return (
    <Dialog open={revoking !== undefined} onClose={onClose} title={`Revoke ${revoking?.name ?? ''}`}>
      {revoking && (
        <div className={css.form}>
          <p>
            Everything that uses the {KINDS[kind].one} <strong>{revoking.name}</strong> (…{revoking.last4}) is
            refused from now on. This cannot be undone.
          </p>
          {revoking.from_configuration && (
            <p>
              It is set in the server&apos;s configuration: remove it there too, or it returns with the next
              start.
            </p>
          )}
          {revoke.error && <ErrorNote error={revoke.error} />}
          <Buttons>
            <Button kind="danger" disabled={revoke.isPending} onClick={() => revoke.mutate(revoking)}>
              Revoke {revoking.name}
            </Button>
            <Button kind="quiet" onClick={onClose}>
              Cancel
            </Button>
          </Buttons>
        </div>
      )}
    </Dialog>
  )
}
