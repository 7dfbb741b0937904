// What the tests know of the server that setup.ts starts, and a page that is signed in to it and fails on any complaint.
import { test as base, expect } from '@playwright/test'

export const API_KEY = '0123456789abcdef0123456789abcdef'
export const APP_KEY = '0123456789abcdef0123456789abcdef01234567'
export const PASSWORD = 'a-password-for-tests'
export const HOST = 'page-test-host'
export const HOST_TAGS = ['env:page-test', 'team:core']

export const serverUrl = () => process.env.GALGO_PAGE_URL ?? ''

export const test = base.extend<{ watched: undefined }>({
  baseURL: async ({}, provide) => provide(serverUrl()),
  watched: [
    async ({ page, context }, use) => {
      const troubles: string[] = []
      page.on('pageerror', (error) => troubles.push(`exception: ${error.message}`))
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning')
          troubles.push(`console: ${message.text()}`)
      })
      page.on('response', (response) => {
        if (response.status() >= 400) troubles.push(`${response.status()} ${response.url()}`)
      })
      page.on('requestfailed', (request) => {
        // The page drops what it no longer needs when it moves on.
        const cause = request.failure()?.errorText ?? ''
        if (cause !== 'net::ERR_ABORTED') troubles.push(`${cause} ${request.url()}`)
      })
      const login = await context.request.post(`${serverUrl()}/api/galgo/v1/login`, {
        headers: { 'X-Galgo-Page': '1' },
        data: { user: 'admin', password: PASSWORD },
      })
      expect(login.status()).toBe(204)
      await use(undefined)
      expect(troubles).toEqual([])
    },
    { auto: true },
  ],
})

export { expect }
