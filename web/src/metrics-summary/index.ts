import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { appRoute } from '@/shell/root'
import { readSearch } from './filter'

export const metricsSummaryRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/metrics/summary',
  validateSearch: readSearch,
  component: lazyRouteComponent(() => import('./page'), 'MetricsSummaryPage'),
  staticData: { title: 'Metrics summary', timed: true },
})
