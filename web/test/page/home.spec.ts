import { expect, test } from './watch'
import { expectAccessible } from './axe'
import { shoot } from './shots'

test('figures, graphs and next steps', async ({ page }, info) => {
  await page.goto('/')
  await expect(page.getByText('1 not reporting')).toBeVisible()
  await expect(page.getByRole('img', { name: /^CPU: graph of 3 series/ })).toBeVisible()
  await expect(page.getByLabel('Send a point', { exact: true })).toContainText('/api/v2/series')
  await expectAccessible(page)
  await shoot(page, info, 'home')
})

test('one host can be chosen and stays in the address', async ({ page }) => {
  await page.goto('/')
  await page.getByRole('combobox', { name: 'Host' }).click()
  await page.getByRole('option', { name: 'db-04' }).click()
  await expect(page).toHaveURL(/host=db-04/)
  await expect(page.getByRole('heading', { name: 'db-04' })).toBeVisible()
  await page.reload()
  await expect(page.getByRole('heading', { name: 'db-04' })).toBeVisible()
})

test('without data the page says how to get some', async ({ page }) => {
  await page.route('**/api/galgo/v1/metrics?*', (route) =>
    route.fulfill({ json: { metrics: [], total: 0, cursor: null } }),
  )
  await page.goto('/')
  await expect(page.getByText('No metrics have arrived yet')).toBeVisible()
  await expect(page.getByRole('heading', { name: 'Next steps' })).toBeVisible()
})

test('a server that has just started shows its minutes, not an empty hour', async ({ page }) => {
  const status = {
    uptime: 60,
    version: '0.1.0',
    series: 9,
    points: 40,
    wal_bytes: 9,
    segments: 0,
    disk_bytes: 9,
  }
  const body = { ...status, ingest: { points_per_second: 1 }, checks: [] }
  await page.route('**/api/galgo/v1/status', (route) => route.fulfill({ json: body }))
  await page.goto('/')
  await expect(page).toHaveURL(/from=-5m&live=true/)
  await page.goto('/?from=-4h&live=true')
  await expect(page.getByRole('button', { name: 'Past 4 hours' })).toBeVisible()
})
