import { test as base } from '@playwright/test'
import { expect } from './watch'
import { expectAccessible } from './axe'
import { shoot } from './shots'

// Here the server refuses on purpose, so consoles complain.
const test = base.extend<{ signedOut: undefined }>({
  signedOut: [
    async ({ page }, use) => {
      let signedIn = false
      await page.route('**/api/galgo/v1/session', (route) =>
        signedIn ? route.continue() : route.fulfill({ status: 401, json: { errors: ['no session'] } }),
      )
      page.on('response', (response) => {
        if (response.url().endsWith('/login') && response.status() === 204) signedIn = true
      })
      await use(undefined)
    },
    { auto: true },
  ],
})

test('whoever is not signed in signs in and lands where they wanted to go', async ({ page }, info) => {
  await page.goto('/infrastructure?q=env:production')
  await expect(page).toHaveURL(/\/login\?next=/)
  await expect(page.getByRole('heading', { name: 'Sign in to Galgo' })).toBeVisible()
  await expectAccessible(page)
  await shoot(page, info, 'login')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByText('Who is signing in?')).toBeVisible()
  await page.getByLabel('User or e-mail').fill('admin')
  await page.getByLabel('Password', { exact: true }).fill('wrong')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('alert')).toContainText('Wrong user or password')
  await page.getByText('First time here?').click()
  await expect(page.getByText(/At its very first start/)).toBeVisible()
  await expectAccessible(page)
  await shoot(page, info, 'login-refused')
  await page.getByLabel('Password', { exact: true }).fill('right')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/\/infrastructure\?q=env:production/)
})

test('after too many failures the form says how long to wait', async ({ page }) => {
  await page.goto('/login')
  await page.getByLabel('User or e-mail').fill('locked')
  await page.getByLabel('Password', { exact: true }).fill('x')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('alert')).toContainText('Too many failed logins')
  await expect(page.getByRole('button', { name: /Try again in 4\d s/ })).toBeDisabled()
})
