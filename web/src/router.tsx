// The route tree. A feature exports its routes from its folder's index and gets one line here.
import { createRouter } from '@tanstack/react-router'
import type { QueryClient } from '@tanstack/react-query'
import { explorerRoute } from './explorer'
import { homeRoute } from './home'
import { infrastructureRoutes } from './infrastructure'
import { integrationRoutes } from './integrations'
import { loginRoute } from './login'
import { metricsSummaryRoute } from './metrics-summary'
import { settingsRoutes } from './settings'
import { appRoute, rootRoute } from './shell/root'

const routeTree = rootRoute.addChildren([
  loginRoute,
  appRoute.addChildren([
    homeRoute,
    explorerRoute,
    metricsSummaryRoute,
    ...infrastructureRoutes,
    ...integrationRoutes,
    ...settingsRoutes,
  ]),
])

/** Plain `name=value` pairs, so that addresses can be read, typed and made by scripts. */
function parseSearch(text: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(text))
}

function stringifySearch(search: Record<string, unknown>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(search)) {
    if (value === undefined || value === null || value === '') continue
    query.set(name, typeof value === 'string' ? value : JSON.stringify(value))
  }
  const text = readable(query.toString())
  return text === '' ? '' : `?${text}`
}

/** Leaves the characters of queries as they are where a URL allows them. */
function readable(query: string): string {
  return query
    .replaceAll('%3A', ':')
    .replaceAll('%2C', ',')
    .replaceAll('%2F', '/')
    .replaceAll('%28', '(')
    .replaceAll('%29', ')')
}

export function makeRouter(client: QueryClient) {
  return createRouter({
    routeTree,
    context: { client },
    parseSearch,
    stringifySearch,
    defaultPreload: 'intent',
    scrollRestoration: true,
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>
  }
}
