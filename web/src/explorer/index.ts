import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { appRoute } from '@/shell/root'
import { validateSearch } from './state'

export const explorerRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/metrics/explorer',
  validateSearch,
  component: lazyRouteComponent(() => import('./page'), 'ExplorerPage'),
  staticData: { title: 'Metrics explorer', timed: true },
})
