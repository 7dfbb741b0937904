import { expect, test } from './watch'
import { expectAccessible } from './axe'
import { shoot } from './shots'

test('keys: create, shown once, in the snippets, revoke', async ({ page }, info) => {
  await page.goto('/settings/keys')
  await expect(page.getByText('web servers').first()).toBeVisible()
  await expectAccessible(page)
  await shoot(page, info, 'keys')
  await page.setViewportSize({ width: 1280, height: 800 })
  const name = `smoke ${info.project.name}`
  await page.getByRole('button', { name: 'New API key' }).click()
  await page.getByLabel('Name').fill(name)
  await page.keyboard.press('Enter')
  const secret = await page.getByLabel('The new key').innerText()
  expect(secret).toMatch(/^[0-9a-f]{32}$/)
  await page.screenshot({ path: `test/page/shots/keys-new-${info.project.name}.png` })
  await page.getByRole('button', { name: 'Done' }).click()
  await expect(page.getByRole('tabpanel', { name: 'datadog.yaml' })).toContainText(secret)
  await page.getByRole('tab', { name: 'curl' }).click()
  await expect(page.getByRole('tabpanel', { name: 'curl' })).toContainText(secret)
  await page.getByRole('button', { name: `Revoke ${name}` }).click()
  await page
    .getByRole('dialog')
    .getByRole('button', { name: `Revoke ${name}` })
    .click()
  await expect(page.getByRole('cell', { name, exact: true })).toHaveCount(0)
})

test('what is not kept, with reasons', async ({ page }, info) => {
  await page.goto('/settings/not-kept')
  await expect(page.getByText('a copy of what the sender also sends')).toBeVisible()
  await expectAccessible(page)
  await shoot(page, info, 'not-kept')
})

test('nothing lost is said too', async ({ page }, info) => {
  await page.route('**/api/galgo/v1/not-kept', (route) => route.fulfill({ json: { paths: [], dropped: [] } }))
  await page.goto('/settings/not-kept')
  await expect(page.getByRole('heading', { name: 'Everything that was sent was kept' })).toBeVisible()
  await shoot(page, info, 'not-kept-empty')
})

test('the state of the server', async ({ page }, info) => {
  await page.goto('/settings/status')
  await expect(page.getByText('12 series refused since the start')).toBeVisible()
  await expectAccessible(page)
  await shoot(page, info, 'status')
})
