import { afterEach, expect, test, vi } from 'vitest'
import { api, ApiError, errorsOf, NetworkError, setUnauthorizedHandler, urlOf } from './client'

afterEach(() => vi.unstubAllGlobals())

function answer(status: number, body: string) {
  const fetched = vi.fn<(url: string, init: RequestInit) => Promise<Response>>()
  fetched.mockImplementation(() => Promise.resolve(new Response(status === 204 ? null : body, { status })))
  vi.stubGlobal('fetch', fetched)
  return fetched
}

test.each([
  ['{"errors":["bad query","worse"]}', ['bad query', 'worse']],
  ['{"errors":[{"title":"T","detail":"D"},{"title":"only"}]}', ['D', 'only']],
  ['plain words\nmore', ['plain words']],
  ['<html>proxy</html>', []],
  ['', []],
])('errors in %s', (body, errors) => expect(errorsOf(body)).toEqual(errors))

test('parameters that are not there are left out', () => {
  expect(urlOf('/x', { a: 1, b: undefined, c: 'é &', d: null })).toBe('/x?a=1&c=%C3%A9+%26')
})

test('changing calls carry the header of the page, reading ones do not', async () => {
  const fetched = answer(204, '')
  await api.post('/api/x', { y: 1 })
  await api.get('/api/x')
  const [post, get] = fetched.mock.calls.map(([, init]) => init.headers as Record<string, string>)
  expect([post?.['X-Galgo-Page'], get?.['X-Galgo-Page']]).toEqual(['1', undefined])
})

test('a refusal is an error with the words of the server', async () => {
  answer(400, '{"errors":["no such metric"]}')
  await expect(api.get('/api/x')).rejects.toEqual(new ApiError(400, ['no such metric']))
})

test('an ended session is told once to whoever listens', async () => {
  const ended = vi.fn()
  setUnauthorizedHandler(ended)
  answer(401, '{"errors":["Unauthorized"]}')
  await expect(api.get('/api/x')).rejects.toBeInstanceOf(ApiError)
  await expect(api.post('/api/galgo/v1/login')).rejects.toBeInstanceOf(ApiError)
  expect(ended).toHaveBeenCalledTimes(1)
})

test('a server that is away is told apart from one that refuses', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('failed')))
  await expect(api.get('/api/x')).rejects.toBeInstanceOf(NetworkError)
})
