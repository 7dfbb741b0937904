import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { appRoute } from '@/shell/root'

export const explorerRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/metrics/explorer',
  component: lazyRouteComponent(() => import('./page'), 'ExplorerPage'),
  staticData: { title: 'Metrics explorer', timed: true },
})
