// What can be done with several hosts at once.
import { useQueryClient } from '@tanstack/react-query'
import { Volume2, VolumeX } from 'lucide-react'
import { useState } from 'react'
import { Button, toast } from '@/ui'
import { MuteDialog } from '../host/mute'
import { muteHost, unmuteHost } from '../queries'
import type { MuteSettings } from '../queries'
import type { HostRow } from '../types'
import { hostsText } from '../words'

/** So many requests at once: the server answers each at once, and the browser has six connections. */
const AT_ONCE = 4

/** Runs a call for each name; returns those for which it failed. */
async function forEach(
  names: readonly string[],
  call: (name: string) => Promise<unknown>,
): Promise<string[]> {
  const queue = [...names]
  const failed: string[] = []
  const work = async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      await call(name).catch(() => failed.push(name ?? ''))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return failed
}

export function BulkBar({ hosts, onDone }: { hosts: readonly HostRow[]; onDone: () => void }) {
  const client = useQueryClient()
  const [asking, setAsking] = useState(false)
  const [busy, setBusy] = useState(false)
  const muted = hosts.filter(({ is_muted }) => is_muted).map(({ name }) => name)
  const loud = hosts.filter(({ is_muted }) => !is_muted).map(({ name }) => name)

  const run = async (
    names: readonly string[],
    call: (name: string) => Promise<unknown>,
    done: string,
    undo: () => void,
  ) => {
    setBusy(true)
    const failed = await forEach(names, call)
    await client.invalidateQueries({ queryKey: ['infrastructure'] })
    setBusy(false)
    if (failed.length > 0) toast(`${hostsText(failed.length)} refused: ${failed.slice(0, 3).join(', ')}`)
    if (failed.length < names.length) toast(`${hostsText(names.length - failed.length)} ${done}`, { undo })
  }
  const refresh = () => client.invalidateQueries({ queryKey: ['infrastructure'] })
  const mute = (settings: MuteSettings) => {
    setAsking(false)
    void run(
      loud,
      (name) => muteHost(name, settings),
      'muted',
      () => {
        void forEach(loud, unmuteHost).then(refresh)
      },
    ).then(onDone)
  }
  const unmute = () =>
    void run(muted, unmuteHost, 'unmuted', () => {
      void forEach(muted, (name) => muteHost(name, {})).then(refresh)
    }).then(onDone)

  return (
    <>
      <span role="status">{hostsText(hosts.length)} selected</span>
      <Button disabled={busy || loud.length === 0} onClick={() => setAsking(true)}>
        <VolumeX size={14} aria-hidden />
        Mute
      </Button>
      <Button disabled={busy || muted.length === 0} onClick={unmute}>
        <Volume2 size={14} aria-hidden />
        Unmute
      </Button>
      <Button kind="quiet" onClick={onDone}>
        Clear
      </Button>
      <MuteDialog
        open={asking}
        title={`Mute ${loud.length === 1 ? (loud[0] ?? '') : hostsText(loud.length)}`}
        onClose={() => setAsking(false)}
        onMute={mute}
      />
    </>
  )
}
