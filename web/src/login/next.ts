// Where to go after the login, and what a refusal says.
import { ApiError, messageOf } from '@/api/client'

/** Only addresses of this page: a link must not be able to send somebody elsewhere after they typed a password. */
export function safeNext(next: unknown): string {
  if (typeof next !== 'string' || !/^\/(?![/\\])/.test(next) || next.startsWith('/login')) return '/'
  return next
}

export interface Refusal {
  title: string
  text: string
  /** Seconds until another try makes sense. */
  wait: number
}

const TOO_MANY_REQUESTS = 429

export function refusalOf(error: unknown): Refusal {
  if (!(error instanceof ApiError)) {
    return { title: 'The server cannot be reached', text: 'Check that it runs, then try again.', wait: 0 }
  }
  if (error.status === 401) {
    return {
      title: 'Wrong user or password',
      text: 'Check both and try again. Capital letters count.',
      wait: 0,
    }
  }
  if (error.status === TOO_MANY_REQUESTS) {
    const seconds = /in (\d+) s/.exec(error.message)?.[1]
    return {
      title: 'Too many failed logins',
      text: 'Trying again is possible in a moment.',
      wait: Number(seconds ?? 0),
    }
  }
  return { title: 'The login failed', text: messageOf(error), wait: 0 }
}
