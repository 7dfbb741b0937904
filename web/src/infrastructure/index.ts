import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { appRoute } from '@/shell/root'
import { readListSearch, readMapSearch } from './search'

export const hostListRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/infrastructure',
  validateSearch: readListSearch,
  component: lazyRouteComponent(() => import('./list/page'), 'HostListPage'),
  staticData: { title: 'Hosts', timed: true },
})

export const hostMapRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/infrastructure/map',
  validateSearch: readMapSearch,
  component: lazyRouteComponent(() => import('./map/page'), 'HostMapPage'),
  staticData: { title: 'Host map', timed: true },
})

export const hostRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/infrastructure/host/$name',
  component: lazyRouteComponent(() => import('./host/page'), 'HostPage'),
  staticData: { title: 'Host', timed: true },
})

export const infrastructureRoutes = [hostListRoute, hostMapRoute, hostRoute]
export { hostListQuery } from './queries'
