import { expect, test } from './watch'
import { expectAccessible } from './axe'

test('the rail leads to every page and remembers its width', async ({ page }) => {
  await page.goto('/')
  const rail = page.getByRole('navigation', { name: 'Main', exact: true })
  await rail.getByRole('link', { name: 'Metrics' }).click()
  await expect(page).toHaveURL(/\/metrics\/explorer/)
  await rail.getByRole('button', { name: 'Expand the menu' }).click()
  await page.reload()
  await expect(rail.getByRole('button', { name: 'Collapse the menu' })).toBeVisible()
})

test('the palette finds metrics, pages and actions', async ({ page }) => {
  await page.goto('/')
  await expect(page.getByRole('heading', { name: 'CPU' })).toBeVisible()
  await page.keyboard.press('Control+k')
  const input = page.getByRole('combobox', { name: 'Search and commands' })
  await input.fill('redis')
  await expect(page.getByRole('option', { name: /redis.net.commands/ })).toBeVisible()
  await expectAccessible(page)
  await input.press('Enter')
  await expect(page).toHaveURL(/explorer\?.*redis\.net\.commands/)
})

test('the theme follows the choice and is remembered', async ({ page }) => {
  await page.goto('/')
  await page.getByRole('button', { name: 'Theme' }).click()
  await page.getByRole('menuitem', { name: 'Dark' }).click()
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark')
  await page.reload()
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark')
  expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe('rgb(15, 18, 23)')
})

test('keys: the sheet, going places, time steps', async ({ page }) => {
  await page.goto('/')
  await expect(page.getByRole('heading', { name: 'CPU' })).toBeVisible()
  await page.keyboard.press('?')
  const sheet = page.getByRole('dialog', { name: 'Keyboard shortcuts' })
  await expect(sheet.getByText('Step back')).toBeVisible()
  await expectAccessible(page)
  await page.keyboard.press('Escape')
  await expect(sheet).toBeHidden()
  await page.keyboard.press('[')
  await expect(page).toHaveURL(/from=\d{13}&to=\d{13}&live=false/)
  await page.keyboard.press(']')
  await expect(page).toHaveURL(/from=-1h&live=true/)
  await page.keyboard.press('g')
  await page.keyboard.press('e')
  await expect(page).toHaveURL(/\/metrics\/explorer\?from=-1h/)
})

test('the time range takes words and says what it does not understand', async ({ page }) => {
  await page.goto('/')
  await expect(page.getByRole('heading', { name: 'CPU' })).toBeVisible()
  await page.keyboard.press('t')
  const field = page.getByRole('textbox', { name: 'Time range' })
  await field.fill('soonish')
  await expect(page.getByText('Not a time range: soonish')).toBeVisible()
  await field.fill('4h')
  await field.press('Enter')
  await expect(page).toHaveURL(/from=-4h&live=true/)
  await expect(page.getByRole('button', { name: 'Past 4 hours' })).toBeVisible()
})

test('an address that does not exist says so', async ({ page }) => {
  await page.goto('/nowhere')
  await expect(page.getByText('Nothing lives at this address')).toBeVisible()
})

test('on a phone the bar is at the bottom and holds the rest in a drawer', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 })
  await page.goto('/')
  await page.getByRole('button', { name: 'More' }).click()
  await expect(page.getByRole('button', { name: 'Keyboard shortcuts' })).toBeVisible()
  await expectAccessible(page)
  await page.keyboard.press('Escape')
  await page.getByRole('navigation', { name: 'Main, phone' }).getByRole('link', { name: 'Metrics' }).click()
  await expect(page).toHaveURL(/explorer/)
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
})
