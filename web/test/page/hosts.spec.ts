import type { Page } from '@playwright/test'
import { expect, test } from './watch'
import { expectAccessible } from './axe'
import { withFleet } from './fleet'
import { shoot } from './shots'

const rows = (page: Page) => page.getByRole('table', { name: 'Hosts' }).getByRole('row')
const panel = (page: Page) => page.getByRole('dialog')

test('the list: filter, facets, export', async ({ page }, info) => {
  await page.goto('/infrastructure')
  await expect(page.getByRole('cell', { name: 'web-01', exact: true })).toBeVisible()
  await expectAccessible(page)
  await shoot(page, info, 'hosts')
  await page.setViewportSize({ width: 1280, height: 800 })
  await page.getByRole('searchbox', { name: 'Filter hosts' }).fill('role:db')
  await expect(page.getByRole('cell', { name: 'web-01', exact: true })).toBeHidden()
  await page.getByRole('searchbox', { name: 'Filter hosts' }).fill('')
  await page.getByRole('checkbox', { name: /^staging/ }).check()
  await expect(page).toHaveURL(/q=env:staging/)
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Export as CSV' }).click()
  expect((await download).suggestedFilename()).toBe('hosts.csv')
})

test('several hosts are muted at once, and the note undoes it', async ({ page }) => {
  await page.goto('/infrastructure?q=web-0')
  await page.getByRole('checkbox', { name: 'Select web-01' }).check()
  await page.getByRole('checkbox', { name: 'Select web-02' }).check()
  await page.getByRole('button', { name: 'Mute', exact: true }).click()
  await page.getByRole('radio', { name: '4 hours' }).click()
  await page.getByLabel('Reason').fill('upgrade')
  await page.getByRole('dialog').getByRole('button', { name: 'Mute' }).click()
  await expect(rows(page).filter({ hasText: 'MUTED' })).toHaveCount(2)
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect(rows(page).filter({ hasText: 'MUTED' })).toHaveCount(0)
})

test('the panel of a host: state, graphs, checks, tags, machine', async ({ page }, info) => {
  await page.goto('/infrastructure?host=web-01')
  await expect(panel(page).getByText('Galgo agent')).toBeVisible()
  await expect(panel(page).getByText('15.6 GiB, swap 2 GiB')).toBeVisible()
  await expect(panel(page).getByRole('img', { name: /CPU: graph of 4 series/ })).toBeVisible()
  await expectAccessible(page)
  await shoot(page, info, 'host-panel')
  await page.setViewportSize({ width: 1280, height: 800 })
  await panel(page).getByLabel('New tag').fill('rack:7')
  await panel(page).getByRole('button', { name: 'Add' }).click()
  await expect(panel(page).getByText('rack:7')).toBeVisible()
  await panel(page).getByRole('button', { name: 'Remove rack:7' }).click()
  await expect(panel(page).getByText('rack:7')).toHaveCount(0)
  await panel(page).getByRole('button', { name: 'Open as a page' }).click()
  await expect(page).toHaveURL(/\/infrastructure\/host\/web-01/)
  await expect(page.getByRole('heading', { name: 'web-01' })).toBeVisible()
  await shoot(page, info, 'host-page')
})

test('what the server refuses about a host is said', async ({ page }) => {
  await page.route('**/api/galgo/v1/hosts/nobody**', (route) =>
    route.fulfill({ status: 400, json: { errors: ['no'] } }),
  )
  await page.goto('/infrastructure/host/nobody')
  await expect(page.getByText('no', { exact: true })).toBeVisible()
})

for (const size of [1, 30, 2000]) {
  test(`the map of ${size} hosts`, async ({ page }, info) => {
    await withFleet(page, size)
    await page.goto('/infrastructure/map')
    await expect(page.getByRole('status').first()).toHaveText(
      `${size === 2000 ? '2,000' : size} ${size === 1 ? 'host' : 'hosts'}`,
    )
    await page.waitForTimeout(600)
    await expectAccessible(page)
    await shoot(page, info, `map-${size}`)
  })
}

test('the map: groups, sizes, keys and the panel', async ({ page }, info) => {
  await withFleet(page, 200)
  await page.goto('/infrastructure/map?group=env,role&size=load')
  const map = page.getByRole('application', { name: /Host map of 200 hosts/ })
  await expect(map).toBeVisible()
  await page.waitForTimeout(600)
  await shoot(page, info, 'map-groups')
  await page.setViewportSize({ width: 1280, height: 800 })
  await map.focus()
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowRight')
  await page.waitForTimeout(200)
  await page.screenshot({ path: `test/page/shots/map-hover-${info.project.name}.png` })
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/host=/)
  await expect(panel(page)).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(panel(page)).toBeHidden()
  await page.getByRole('combobox', { name: 'Fill by' }).fill('disk.in')
  await page
    .getByRole('option', { name: /system\.disk\.in_use/ })
    .last()
    .click()
  await expect(page).toHaveURL(/fill=avg:system\.disk\.in_use/)
  await page.getByLabel('Orange at').fill('0.5')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/max=0\.5/)
})
