// The one way to the server: session cookie, the page header that changing calls need, and errors as one type.

export class ApiError extends Error {
  constructor(
    readonly status: number,
    /** What the server said, one sentence each. */
    readonly errors: string[],
  ) {
    super(errors.join('; ') || `the server answered ${status}`)
    this.name = 'ApiError'
  }
}

/** The server could not be reached at all. */
export class NetworkError extends Error {
  constructor(cause: unknown) {
    super('the server cannot be reached', { cause })
    this.name = 'NetworkError'
  }
}

export type Params = Record<string, string | number | boolean | undefined | null>

export interface CallOptions {
  params?: Params
  signal?: AbortSignal
  headers?: Record<string, string>
}

let onUnauthorized: () => void = () => undefined

/** Called once by the shell: what to do when the session has ended. */
export function setUnauthorizedHandler(handler: () => void): void {
  onUnauthorized = handler
}

export function urlOf(path: string, params?: Params): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(params ?? {})) {
    if (value !== undefined && value !== null) query.set(name, String(value))
  }
  const text = query.toString()
  return text === '' ? path : `${path}?${text}`
}

/** Reads `{"errors":["…"]}`, JSON:API error objects, or plain text. */
export function errorsOf(body: string): string[] {
  try {
    const parsed: unknown = JSON.parse(body)
    const errors = (parsed as { errors?: unknown } | null)?.errors
    if (Array.isArray(errors)) {
      return errors.map((entry: unknown) => {
        if (typeof entry === 'string') return entry
        const { detail, title } = entry as { detail?: string; title?: string }
        return detail ?? title ?? JSON.stringify(entry)
      })
    }
  } catch {
    // Not JSON: a proxy's page, perhaps. Its first line is better than nothing.
  }
  const line = body.trim().split('\n', 1)[0] ?? ''
  return line !== '' && !line.startsWith('<') ? [line.slice(0, 300)] : []
}

async function call<T>(method: string, path: string, body: unknown, options: CallOptions): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json', ...options.headers }
  if (method !== 'GET') headers['X-Galgo-Page'] = '1'
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  let response: Response
  try {
    response = await fetch(urlOf(path, options.params), {
      method,
      headers,
      credentials: 'same-origin',
      signal: options.signal,
      body: body === undefined ? undefined : JSON.stringify(body),
    })
  } catch (cause) {
    if (options.signal?.aborted) throw cause
    throw new NetworkError(cause)
  }
  const text = await response.text()
  if (!response.ok) {
    if (response.status === 401 && !path.endsWith('/login')) onUnauthorized()
    throw new ApiError(response.status, errorsOf(text))
  }
  return (text === '' ? undefined : JSON.parse(text)) as T
}

export const api = {
  get: <T>(path: string, options: CallOptions = {}) => call<T>('GET', path, undefined, options),
  post: <T>(path: string, body?: unknown, options: CallOptions = {}) => call<T>('POST', path, body, options),
  put: <T>(path: string, body?: unknown, options: CallOptions = {}) => call<T>('PUT', path, body, options),
  patch: <T>(path: string, body?: unknown, options: CallOptions = {}) =>
    call<T>('PATCH', path, body, options),
  delete: <T>(path: string, options: CallOptions = {}) => call<T>('DELETE', path, undefined, options),
}

/** One readable sentence out of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
