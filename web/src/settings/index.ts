import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router'
import { appRoute } from '@/shell/root'

const settingsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/settings',
  beforeLoad: () => {
    throw redirect({ to: '/settings/keys' })
  },
})

const keysRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/settings/keys',
  component: lazyRouteComponent(() => import('./keys'), 'KeysPage'),
  staticData: { title: 'API keys' },
})

const notKeptRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/settings/not-kept',
  component: lazyRouteComponent(() => import('./not-kept'), 'NotKeptPage'),
  staticData: { title: 'Not kept' },
})

const statusRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/settings/status',
  component: lazyRouteComponent(() => import('./status'), 'StatusPage'),
  staticData: { title: 'Status' },
})

export const settingsRoutes = [settingsRoute, keysRoute, notKeptRoute, statusRoute]
export { createKey, keysQuery } from './queries'
