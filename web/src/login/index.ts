import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router'
import { sessionQuery } from '@/api/queries'
import { rootRoute } from '@/shell/root'
import { safeNext } from './next'

export const loginRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/login',
  validateSearch: (search: Record<string, unknown>) => ({ next: safeNext(search.next) }),
  // Who is signed in already goes on; any failure means that the form is needed.
  beforeLoad: async ({ context, search }) => {
    const session = await context.client.fetchQuery(sessionQuery).catch(() => undefined)
    if (session) throw redirect({ href: search.next })
  },
  component: lazyRouteComponent(() => import('./page'), 'LoginPage'),
})
