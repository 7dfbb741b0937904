// The service checks of a host: what fails first.
import { Status, Tag } from '@/ui'
import type { State } from '@/ui'
import { Ago } from '@/ui/ago'
import text from '@/ui/text.module.css'
import type { HostCheck } from '../types'
import css from './host.module.css'

const STATES: readonly { state: State; word: string }[] = [
  { state: 'ok', word: 'OK' },
  { state: 'warn', word: 'WARNING' },
  { state: 'alert', word: 'CRITICAL' },
  { state: 'no-data', word: 'UNKNOWN' },
]
/** Critical, warning, unknown, ok. */
const URGENCY = [3, 1, 0, 2]

export function byUrgency(checks: readonly HostCheck[]): HostCheck[] {
  const rank = ({ status }: HostCheck) => URGENCY[status] ?? 2
  return [...checks].sort((left, right) => rank(left) - rank(right) || left.check.localeCompare(right.check))
}

export function HostChecks({ checks }: { checks: readonly HostCheck[] }) {
  if (checks.length === 0) return <p className={text.quiet}>No service check reported from this host.</p>
  return (
    <ul className={css.checks}>
      {byUrgency(checks).map((check) => {
        const look = STATES[check.status] ?? { state: 'no-data' as const, word: 'UNKNOWN' }
        return (
          <li key={`${check.check} ${check.tags.join()}`} className={css.check}>
            <span className={css.checkState}>
              <Status state={look.state}>{look.word}</Status>
            </span>
            <span className={css.checkName}>
              <span className={text.mono}>{check.check}</span>
              {check.message && <span className={css.message}>{check.message}</span>}
              <span className={css.chips}>
                {check.tags
                  .filter((tag) => !tag.startsWith('host:'))
                  .map((tag) => (
                    <Tag key={tag}>{tag}</Tag>
                  ))}
              </span>
            </span>
            <span className={text.quiet}>
              <Ago at={check.time} />
            </span>
          </li>
        )
      })}
    </ul>
  )
}
