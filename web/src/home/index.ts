import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { appRoute } from '@/shell/root'

export const homeRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/',
  component: lazyRouteComponent(() => import('./page'), 'HomePage'),
  staticData: { title: 'Home', timed: true },
})
