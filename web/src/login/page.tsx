// The login: the one page without the frame.
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, useRouter } from '@tanstack/react-router'
import { Eye, EyeOff, OctagonAlert } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import type { FormEvent } from 'react'
import { api } from '@/api/client'
import { Button, Field, IconButton, Input } from '@/ui'
import { refusalOf } from './next'
import css from './page.module.css'

const route = getRouteApi('/login')

interface Credentials {
  user: string
  password: string
}

export function LoginPage() {
  const { next } = route.useSearch()
  const router = useRouter()
  const client = useQueryClient()
  const login = useMutation({
    mutationFn: (credentials: Credentials) => api.post('/api/galgo/v1/login', credentials),
    onSuccess: async () => {
      client.clear()
      await router.navigate({ href: next, replace: true })
    },
  })
  useEffect(() => {
    document.title = 'Sign in · Galgo'
  }, [])
  return (
    <main className={css.page}>
      <div className={css.box}>
        <header className={css.brand}>
          <img src="/galgo.svg" alt="" width={40} height={40} />
          <h1>Sign in to Galgo</h1>
        </header>
        <LoginForm error={login.error} busy={login.isPending} onSubmit={(values) => login.mutate(values)} />
        <details className={css.hint}>
          <summary>First time here?</summary>
          <p>
            At its very first start the server printed the user <code>admin</code>, a password and two keys to
            its output, once. With a service manager they stand in its log:
          </p>
          <pre tabIndex={0}>journalctl -u galgo | grep -A8 &quot;first start&quot;</pre>
          <p>
            Whoever set <code>GALGO_ADMIN_PASSWORD</code> before that start chose the password.
          </p>
        </details>
      </div>
    </main>
  )
}

interface LoginFormProps {
  error: unknown
  busy: boolean
  onSubmit: (credentials: Credentials) => void
}

function LoginForm({ error, busy, onSubmit }: LoginFormProps) {
  const [user, setUser] = useState('')
  const [password, setPassword] = useState('')
  const [visible, setVisible] = useState(false)
  const [missing, setMissing] = useState(false)
  const passwordField = useRef<HTMLInputElement>(null)
  const wait = useCountdown(error)
  useEffect(() => {
    if (error) passwordField.current?.select()
  }, [error])
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const complete = user.trim() !== '' && password !== ''
    setMissing(!complete)
    if (complete && wait === 0) onSubmit({ user: user.trim(), password })
  }
  return (
    <form className={css.form} onSubmit={submit} noValidate>
      {error !== null && error !== undefined && !busy && <RefusalNote error={error} wait={wait} />}
      <Field label="User or e-mail" error={missing && user.trim() === '' ? 'Who is signing in?' : undefined}>
        {(ids) => (
          <Input
            {...ids}
            className={css.input}
            name="username"
            autoComplete="username"
            autoCapitalize="none"
            autoFocus
            value={user}
            onChange={(event) => setUser(event.target.value)}
          />
        )}
      </Field>
      <Field label="Password" error={missing && password === '' ? 'The password is missing' : undefined}>
        {(ids) => (
          <div className={css.password}>
            <Input
              {...ids}
              ref={passwordField}
              className={css.input}
              name="password"
              type={visible ? 'text' : 'password'}
              autoComplete="current-password"
              value={password}
              onChange={(event) => setPassword(event.target.value)}
            />
            <IconButton
              label={visible ? 'Hide the password' : 'Show the password'}
              onClick={() => setVisible(!visible)}
            >
              {visible ? <EyeOff size={16} /> : <Eye size={16} />}
            </IconButton>
          </div>
        )}
      </Field>
      <Button type="submit" kind="primary" className={css.submit} disabled={busy || wait > 0}>
        {busy ? 'Signing in' : wait > 0 ? `Try again in ${wait} s` : 'Sign in'}
      </Button>
    </form>
  )
}

function RefusalNote({ error, wait }: { error: unknown; wait: number }) {
  const refusal = refusalOf(error)
  return (
    <div className={css.refusal} role="alert">
      <OctagonAlert size={16} aria-hidden />
      <div>
        <strong>{refusal.title}</strong>
        <p>{refusal.wait > 0 && wait === 0 ? 'You can try again now.' : refusal.text}</p>
      </div>
    </div>
  )
}

/** Seconds left until another try is allowed. */
function useCountdown(error: unknown): number {
  const [left, setLeft] = useState(0)
  useEffect(() => {
    let seconds = error ? refusalOf(error).wait : 0
    setLeft(seconds)
    if (seconds === 0) return undefined
    const timer = setInterval(() => {
      seconds -= 1
      setLeft(seconds)
      if (seconds <= 0) clearInterval(timer)
    }, 1000)
    return () => clearInterval(timer)
  }, [error])
  return left
}
