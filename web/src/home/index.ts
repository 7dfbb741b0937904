import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { appRoute } from '@/shell/root'

interface HomeSearch {
  host?: string
}

export const homeRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/',
  validateSearch: (search: Record<string, unknown>): HomeSearch =>
    typeof search.host === 'string' && search.host !== '' ? { host: search.host } : {},
  component: lazyRouteComponent(() => import('./page'), 'HomePage'),
  staticData: { title: 'Home', timed: true },
})
