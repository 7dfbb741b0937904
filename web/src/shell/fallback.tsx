// Pages for the two ways in which a page can be missing: no such address, or a fault of ours.
import { Link, useRouter } from '@tanstack/react-router'
import type { ErrorComponentProps } from '@tanstack/react-router'
import { Button, Empty, ErrorNote } from '@/ui'
import css from './frame.module.css'

export function NotFoundPage() {
  return (
    <div className={css.page}>
      <Empty title="Nothing lives at this address">
        <p>The link may be old or mistyped.</p>
        <Link to="/">Go to the home page</Link>
      </Empty>
    </div>
  )
}

export function CrashPage({ error, reset }: ErrorComponentProps) {
  const router = useRouter()
  const retry = () => {
    reset()
    void router.invalidate()
  }
  return (
    <div className={css.page}>
      <Empty title="This page failed">
        <ErrorNote error={error} />
        <Button onClick={retry}>Try again</Button>
      </Empty>
    </div>
  )
}
