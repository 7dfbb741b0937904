// The two roots of the route tree: bare pages (login) hang on `rootRoute`, everything with rail and bar on `appRoute`.
import {
  createRootRouteWithContext,
  createRoute,
  Outlet,
  redirect,
  retainSearchParams,
} from '@tanstack/react-router'
import type { QueryClient } from '@tanstack/react-query'
import { ApiError } from '@/api/client'
import { sessionQuery } from '@/api/queries'
import type { RangeSearch } from '@/time'
import { CrashPage, NotFoundPage } from './fallback'
import { Frame } from './frame'

export interface RouterContext {
  client: QueryClient
}

declare module '@tanstack/react-router' {
  interface StaticDataRouteOption {
    /** Shown in the top bar and the window's title. */
    title?: string
    /** The page shows data over time, so the bar carries the time range. */
    timed?: boolean
  }
}

export const rootRoute = createRootRouteWithContext<RouterContext>()({
  component: Outlet,
  notFoundComponent: NotFoundPage,
  errorComponent: CrashPage,
})

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

export const loginPath = (next: string): string => `/login?next=${encodeURIComponent(next)}`

export const appRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'app',
  component: Frame,
  validateSearch: (search: Record<string, unknown>): RangeSearch => ({
    from: text(search.from ?? search.from_ts),
    to: text(search.to ?? search.to_ts),
    live: text(search.live),
  }),
  search: { middlewares: [retainSearchParams(['from', 'to', 'live'])] },
  beforeLoad: async ({ context, location }) => {
    try {
      await context.client.ensureQueryData(sessionQuery)
    } catch (error) {
      if (error instanceof ApiError && error.status === 401)
        throw redirect({ href: loginPath(location.href) })
      // Anything else: let the page open and say what it cannot reach.
    }
  },
})
