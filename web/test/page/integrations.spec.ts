import type { Page } from '@playwright/test'
import { expect, test } from './watch'
import { expectAccessible } from './axe'
import { shoot } from './shots'

const rows = (page: Page) => page.getByRole('table', { name: 'Integrations' }).getByRole('row')
const panel = (page: Page) => page.getByRole('dialog')
const desktop = (page: Page) => page.setViewportSize({ width: 1280, height: 800 })

test('the list: what fails comes first, search and facets narrow it', async ({ page }, info) => {
  await page.goto('/integrations')
  await expect(rows(page).nth(1)).toContainText('Errors')
  await expect(page.getByRole('status').first()).toContainText(/integrations, \d+ running, \d+ with errors/)
  await expectAccessible(page)
  await shoot(page, info, 'integrations')
  await desktop(page)
  await page.getByRole('searchbox', { name: 'Search integrations' }).fill('maria')
  await expect(rows(page)).toHaveCount(2)
  await page.getByRole('searchbox', { name: 'Search integrations' }).fill('')
  await page.getByRole('checkbox', { name: /^Available/ }).check()
  await expect(page).toHaveURL(/state=available/)
  await expect(rows(page).filter({ hasText: 'mysql' })).toHaveCount(0)
  await page.getByRole('searchbox', { name: 'Search integrations' }).fill('nothing like it')
  await expect(page.getByText('No integration matches')).toBeVisible()
  await page.getByRole('button', { name: 'Show all integrations' }).click()
  await expect(rows(page).filter({ hasText: 'mysql' })).toHaveCount(1)
})

test('an integration in full: overview, configuration, hosts, metrics', async ({ page }, info) => {
  await page.goto('/integrations')
  await page.getByText('MySQL and MariaDB').click()
  await expect(page).toHaveURL(/integration=mysql/)
  await expect(panel(page).getByText('Needs a look')).toBeVisible()
  await panel(page)
    .getByRole('button', { name: /db-05.*ERROR, details/ })
    .click()
  await expect(panel(page).getByText('password: "********"')).toBeVisible()
  await expectAccessible(page)
  await shoot(page, info, 'integration-overview')
  await desktop(page)

  await panel(page).getByRole('tab', { name: 'Configuration' }).click()
  await expect(page).toHaveURL(/tab=configuration/)
  await panel(page).getByRole('button', { name: 'Copy conf.d/mysql.d/conf.yaml' }).click()
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain(
    'instances:\n  - host: 127.0.0.1',
  )
  await expect(panel(page).getByText('GRANT PROCESS ON *.*')).toBeVisible()
  await expectAccessible(page)
  await shoot(page, info, 'integration-configuration')
  await desktop(page)

  await panel(page).getByRole('tab', { name: /Hosts/ }).click()
  await expect(panel(page).getByRole('link', { name: 'db-04' })).toBeVisible()
  await expectAccessible(page)
  await shoot(page, info, 'integration-hosts')
  await desktop(page)

  await panel(page)
    .getByRole('tab', { name: /Metrics/ })
    .click()
  await expect(panel(page).getByText('No metrics within a day')).toBeVisible()
})

test('the keyboard walks the list and closes the panel', async ({ page }) => {
  await page.goto('/integrations')
  await expect(rows(page).nth(1)).toBeVisible()
  await page.keyboard.press('j')
  await expect(panel(page)).toBeVisible()
  const first = page.url()
  await page.keyboard.press('j')
  await expect.poll(() => page.url()).not.toBe(first)
  await page.keyboard.press('Escape')
  await expect(panel(page)).toBeHidden()
})

test('metrics of an integration, and one that is only available', async ({ page }, info) => {
  await page.goto('/integrations?integration=disk&tab=metrics')
  await expect(
    panel(page)
      .getByRole('link', { name: /^system\.disk\./ })
      .first(),
  ).toBeVisible()
  await expectAccessible(page)
  await shoot(page, info, 'integration-metrics')
  await desktop(page)
  await panel(page)
    .getByRole('link', { name: /^system\.disk\./ })
    .first()
    .click()
  await expect(page).toHaveURL(/\/metrics\/explorer\?.*system\.disk\./)
  await page.goto('/integrations?integration=openmetrics')
  await expect(panel(page).getByText('No host runs OpenMetrics and Prometheus')).toBeVisible()
  await panel(page).getByRole('button', { name: 'How to switch it on' }).click()
  await expect(panel(page).getByText('openmetrics_endpoint: http://localhost:9100/metrics')).toBeVisible()
})

test('checks of strangers, and addresses that name none', async ({ page }) => {
  await page.goto('/integrations?integration=queue_length')
  await panel(page)
    .getByRole('button', { name: /ERROR, details/ })
    .first()
    .click()
  await expect(panel(page).getByText('Traceback (most recent call last):')).toBeVisible()
  await page.route('**/api/galgo/v1/integrations/nobody', (route) =>
    route.fulfill({ status: 400, json: { errors: ['no'] } }),
  )
  await page.goto('/integrations?integration=nobody')
  await expect(panel(page).getByText('no', { exact: true })).toBeVisible()
})

test('without a report the page says what to do', async ({ page }, info) => {
  await page.route(/\/api\/galgo\/v1\/integrations(\/|$)/, (route) =>
    route.continue({ url: `${route.request().url()}?mock_empty=1` }),
  )
  await page.goto('/integrations')
  await expect(page.getByText('No agent has reported its checks yet')).toBeVisible()
  await shoot(page, info, 'integrations-empty')
})

test('adding a host: a new key goes into the command', async ({ page }, info) => {
  await page.goto('/integrations/add-host')
  const command = page.getByLabel('Command', { exact: true })
  await expect(command).toContainText('/api/galgo/v1/agent/install.sh')
  await page.getByRole('combobox', { name: 'API key' }).click()
  await page.getByRole('option', { name: /web servers/ }).click()
  await expect(command).toContainText('<API key “web servers”')
  await page.getByRole('button', { name: 'New API key' }).click()
  await expect(command).toContainText(/DD-API-KEY: [0-9a-f]{32}"/)
  await page.getByLabel('Host tags').fill('env:test team:core')
  await expect(command).toContainText('GALGO_TAGS=env:test,team:core')
  await expectAccessible(page)
  await shoot(page, info, 'add-host')
  await desktop(page)
  await page.getByRole('radio', { name: 'Datadog agent' }).click()
  await expect(page.getByLabel('datadog.yaml', { exact: true })).toContainText(/dd_url: http/)
  await expectAccessible(page)
  await shoot(page, info, 'add-host-datadog')
})

test('the palette opens an integration', async ({ page }) => {
  await page.goto('/')
  await expect(page.getByRole('heading', { name: 'CPU' })).toBeVisible()
  await page.keyboard.press('Control+k')
  const input = page.getByRole('combobox', { name: 'Search and commands' })
  await input.fill('mariadb')
  await expect(page.getByRole('option', { name: /MySQL and MariaDB/ })).toBeVisible()
  await input.press('Enter')
  await expect(page).toHaveURL(/\/integrations\?integration=mysql/)
})

test('a host shows its checks, its log sources and its agent', async ({ page }, info) => {
  await page.goto('/infrastructure?host=web-01')
  await expect(panel(page).getByText('Checks of the agent')).toBeVisible()
  await panel(page)
    .getByRole('button', { name: /queue_length.*ERROR, details/ })
    .click()
  await expect(panel(page).getByText('Traceback (most recent call last):')).toBeVisible()
  await expect(panel(page).getByText('/var/log/app/*.log')).toBeVisible()
  await expect(panel(page).getByText('Galgo agent')).toBeVisible()
  await panel(page).getByText('Checks of the agent').scrollIntoViewIfNeeded()
  await expectAccessible(page)
  await shoot(page, info, 'host-checks')
  await desktop(page)
  await page.goto('/infrastructure/host/worker-08')
  await expect(page.getByText('the agent has reported none since')).toBeVisible()
  await expectAccessible(page)
  await shoot(page, info, 'host-page-old-report')
})
