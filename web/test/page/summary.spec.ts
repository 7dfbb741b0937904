import type { Page } from '@playwright/test'
import { expect, test } from './watch'
import { expectAccessible } from './axe'
import { shoot } from './shots'

const rows = (page: Page) => page.getByRole('table', { name: 'Metrics' }).getByRole('row')
const panel = (page: Page) => page.getByRole('dialog')

test('the list: search, facets, sort', async ({ page }, info) => {
  await page.goto('/metrics/summary')
  await expect(page.getByRole('cell', { name: 'app.queue.depth' })).toBeVisible()
  await expectAccessible(page)
  await shoot(page, info, 'summary')
  await page.setViewportSize({ width: 1280, height: 800 })
  await page.keyboard.press('/')
  await page.keyboard.type('system cpu')
  await expect(page).toHaveURL(/q=system\+cpu/)
  await expect(rows(page)).toHaveCount(7)
  await page.getByRole('searchbox', { name: 'Search metrics' }).fill('')
  await page.getByRole('checkbox', { name: /^rate/ }).check()
  await expect(page).toHaveURL(/type=rate/)
  await page.getByRole('checkbox', { name: /^rate/ }).uncheck()
  await page.getByRole('button', { name: 'Open system', exact: true }).click()
  await page.getByRole('button', { name: /^cpu/ }).click()
  await expect(page).toHaveURL(/prefix=system\.cpu/)
  await page.getByRole('button', { name: 'Series', exact: true }).click()
  await expect(page).toHaveURL(/sort=-series/)
  await expect(page.getByRole('status').first()).toHaveText(/6 of \d+ metrics/)
})

test('a search by tag asks the server', async ({ page }) => {
  await page.goto('/metrics/summary?q=role:cache+redis')
  await expect(rows(page)).toHaveCount(2)
})

test('the panel of a metric: facts, tags, senders, edits; keys walk the list', async ({ page }, info) => {
  await page.goto('/metrics/summary?metric=system.net.bytes_rcvd')
  await expect(panel(page).getByText('byte / second').first()).toBeVisible()
  await expect(panel(page).getByRole('img', { name: /graph of 1 series/ })).toBeVisible()
  await expect(panel(page).getByRole('meter')).toBeVisible()
  await expectAccessible(page)
  await shoot(page, info, 'summary-panel')
  await page.setViewportSize({ width: 1280, height: 800 })
  const unit = panel(page).getByRole('combobox', { name: 'Unit', exact: true })
  await unit.fill('kibib')
  await page.getByRole('option', { name: /^kibibyte/ }).click()
  await panel(page).getByLabel('Description').fill('Bytes that came in')
  await panel(page).getByRole('button', { name: 'Save' }).click()
  await expect(panel(page).getByText('kibibyte / second').first()).toBeVisible()
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect(panel(page).getByText('byte / second', { exact: true }).first()).toBeVisible()
  await panel(page).getByRole('heading', { name: 'system.net.bytes_rcvd' }).first().click()
  await page.keyboard.press('j')
  await expect(page).toHaveURL(/metric=system\.net\.bytes_sent/)
  await page.keyboard.press('ArrowUp')
  await expect(page).toHaveURL(/metric=system\.net\.bytes_rcvd/)
  await page.keyboard.press('Escape')
  await expect(page).not.toHaveURL(/metric=/)
})
