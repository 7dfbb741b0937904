// Up, down or muted: as word and shape.
import { Status } from '@/ui'
import { stateOf } from './filter'

const LOOK = {
  up: { state: 'ok', word: 'UP' },
  down: { state: 'alert', word: 'DOWN' },
  muted: { state: 'muted', word: 'MUTED' },
} as const

export function HostStatus({ up, muted }: { up: boolean; muted: boolean }) {
  const { state, word } = LOOK[stateOf({ up, is_muted: muted })]
  return <Status state={state}>{word}</Status>
}
