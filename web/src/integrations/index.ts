import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { appRoute } from '@/shell/root'
import { readSearch } from './search'

const listRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/integrations',
  validateSearch: readSearch,
  component: lazyRouteComponent(() => import('./list/page'), 'IntegrationsPage'),
  staticData: { title: 'Integrations' },
})

const addHostRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/integrations/add-host',
  component: lazyRouteComponent(() => import('./add-host/page'), 'AddHostPage'),
  staticData: { title: 'Add a host' },
})

export const integrationRoutes = [listRoute, addHostRoute]
export { integrationsQuery } from './queries'
