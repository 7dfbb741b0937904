// Answers the page's API from seeded synthetic data, for work on the page without a server. Development only.
import type { Connect, Plugin } from 'vite'

interface Reply {
  status?: number
  body?: unknown
}
type Handler = (params: URLSearchParams, body: unknown, path: string) => Reply

/** `METHOD /path` or a prefix that ends in `/`. */
export const handlers: Record<string, Handler> = {
  'GET /api/galgo/v1/session': () => ({
    body: {
      user: { handle: 'admin', name: 'Admin', email: 'admin@example.com', role: 'admin' },
      org: { name: 'Example' },
      version: '0.1.0',
      server_time: Math.floor(Date.now() / 1000),
    },
  }),
}

function find(method: string, path: string): Handler | undefined {
  const exact = handlers[`${method} ${path}`]
  if (exact) return exact
  const prefix = Object.keys(handlers).find((key) => key.endsWith('/') && `${method} ${path}`.startsWith(key))
  return prefix === undefined ? undefined : handlers[prefix]
}

const middleware: Connect.NextHandleFunction = (request, response, next) => {
  const url = new URL(request.url ?? '/', 'http://localhost')
  if (!url.pathname.startsWith('/api/')) {
    next()
    return
  }
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const text = Buffer.concat(chunks).toString()
    const handler = find(request.method ?? 'GET', url.pathname)
    const reply = handler
      ? handler(url.searchParams, text === '' ? undefined : JSON.parse(text), url.pathname)
      : { status: 404, body: { errors: ['Not found'] } }
    response.statusCode = reply.status ?? (reply.body === undefined ? 204 : 200)
    response.setHeader('content-type', 'application/json')
    response.end(reply.body === undefined ? '' : JSON.stringify(reply.body))
  })
}

export function mockServer(): Plugin {
  return {
    name: 'galgo-mock',
    configureServer: (server) => void server.middlewares.use(middleware),
    configurePreviewServer: (server) => void server.middlewares.use(middleware),
  }
}
