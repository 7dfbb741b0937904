// Starts the page.
import '@fontsource-variable/inter/wght.css'
import '@fontsource-variable/jetbrains-mono/wght.css'
import 'virtual:tokens.css'
import './ui/base.css'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { ApiError, setUnauthorizedHandler } from './api/client'
import { listen } from './keyboard'
import { makeRouter } from './router'
import { loginPath } from './shell/root'
import { TooltipProvider } from './ui/tooltip'

/** A refusal stays a refusal; only faults on the way are worth another try. */
const MAX_RETRIES = 2

const client = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (failures, error) =>
        !(error instanceof ApiError && error.status < 500) && failures < MAX_RETRIES,
      refetchOnWindowFocus: false,
      staleTime: 5_000,
    },
  },
})
const router = makeRouter(client)

setUnauthorizedHandler(() => {
  const { href, pathname } = router.state.location
  if (pathname === '/login') return
  client.clear()
  void router.navigate({ href: loginPath(href) })
})
listen(document)

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no element with id root')
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <TooltipProvider>
        <RouterProvider router={router} />
      </TooltipProvider>
    </QueryClientProvider>
  </StrictMode>,
)
