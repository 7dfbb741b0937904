// Every page on this machine's own data: something to see, no complaint, pictures for people to look at.
import type { Page, TestInfo } from '@playwright/test'
import { API_KEY, HOST, HOST_TAGS, PASSWORD, expect, test } from './server'

const WIDTHS = [
  [1280, 800],
  [390, 844],
] as const

async function shoot(page: Page, info: TestInfo, name: string): Promise<void> {
  for (const [width, height] of WIDTHS) {
    await page.setViewportSize({ width, height })
    await page.waitForTimeout(500)
    await page.screenshot({ path: `e2e/shots/${name}-${width}-${info.project.name}.png` })
    const wide = await page.evaluate(() => document.documentElement.scrollWidth)
    expect(wide, `${name} is wider than the screen`).toBeLessThanOrEqual(width)
  }
  await page.setViewportSize({ width: 1280, height: 800 })
}

const graph = (page: Page, title: RegExp) => page.getByRole('img', { name: title }).first()

test('signing in leads to where one wanted to go', async ({ page, context }, info) => {
  await context.clearCookies()
  // Being asked to sign in is an answer of 401, which browsers report.
  page.removeAllListeners('console')
  page.removeAllListeners('response')
  await page.goto('/infrastructure')
  await expect(page).toHaveURL(/\/login\?next=/)
  await shoot(page, info, 'login')
  await page.getByLabel('User or e-mail').fill('admin')
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/\/infrastructure$/)
  await expect(page.getByRole('cell', { name: HOST, exact: true })).toBeVisible()
})

test('home draws this machine', async ({ page }, info) => {
  await page.goto('/')
  await expect(page.getByRole('heading', { name: HOST })).toBeVisible()
  await expect(graph(page, /CPU: graph of \d+ series/)).toBeVisible()
  await shoot(page, info, 'home')
})

test('the explorer draws a query of this machine', async ({ page }, info) => {
  await page.goto('/metrics/explorer?from=-15m&live=true&a=avg:system.load.1{*} by {host}')
  await expect(graph(page, /graph of 1 series/)).toBeVisible()
  await expect(page.getByText(`host:${HOST}`).first()).toBeVisible()
  await shoot(page, info, 'explorer')
})

test('the summary knows the metrics and their units', async ({ page }, info) => {
  await page.goto('/metrics/summary?q=system.mem.used')
  await expect(page.getByText('system.mem.used', { exact: true }).first()).toBeVisible()
  await shoot(page, info, 'summary')
  await page.getByText('system.mem.used', { exact: true }).first().click()
  await expect(page.getByRole('dialog').getByText(/byte/).first()).toBeVisible()
  await shoot(page, info, 'summary-panel')
})

test('the host list shows this machine with its tags', async ({ page }, info) => {
  await page.goto('/infrastructure')
  await expect(page.getByRole('cell', { name: HOST, exact: true })).toBeVisible()
  await shoot(page, info, 'hosts')
  await page.goto(`/infrastructure?host=${HOST}`)
  const panel = page.getByRole('dialog')
  for (const tag of HOST_TAGS) await expect(panel.getByText(tag).first()).toBeVisible()
  await expect(graph(page, /CPU: graph of \d+ series/)).toBeVisible()
  await shoot(page, info, 'host-panel')
})

test('a host has a page of its own', async ({ page }, info) => {
  await page.goto(`/infrastructure/host/${HOST}`)
  await expect(page.getByRole('heading', { name: HOST })).toBeVisible()
  await expect(graph(page, /CPU: graph of \d+ series/)).toBeVisible()
  await shoot(page, info, 'host-page')
})

test('the host map has one host', async ({ page }, info) => {
  await page.goto('/infrastructure/map')
  await expect(page.getByRole('status').first()).toHaveText('1 host')
  await shoot(page, info, 'host-map')
})

test('an API key opens the intake until it is revoked', async ({ page, request }, info) => {
  const valid = async (key: string) =>
    (await request.get('/api/v1/validate', { headers: { 'DD-API-KEY': key } })).status()
  const name = `of a test, ${info.project.name}`
  await page.goto('/settings/keys')
  await expect(page.getByText('first start').first()).toBeVisible()
  await shoot(page, info, 'keys')
  await page.getByRole('button', { name: 'New API key' }).click()
  await page.getByLabel('Name').fill(name)
  await page.keyboard.press('Enter')
  const key = await page.getByLabel('The new key').innerText()
  expect(await valid(key)).toBe(200)
  await page.getByRole('button', { name: 'Done' }).click()
  await page.getByRole('button', { name: `Revoke ${name}` }).click()
  await page
    .getByRole('dialog')
    .getByRole('button', { name: `Revoke ${name}` })
    .click()
  await expect(page.getByRole('cell', { name, exact: true })).toHaveCount(0)
  await expect.poll(() => valid(key)).toBe(403)
})

test('a tag given to a host selects it at once', async ({ page }, info) => {
  const tag = `shelf:${info.project.name}`
  await page.goto(`/infrastructure?host=${HOST}`)
  const panel = page.getByRole('dialog')
  await panel.getByLabel('New tag').fill(tag)
  await panel.getByRole('button', { name: 'Add' }).click()
  await expect(panel.getByText(tag)).toBeVisible()
  await page.goto(`/metrics/explorer?from=-15m&live=true&a=avg:system.load.1{${tag}} by {host}`)
  await expect(graph(page, /graph of 1 series/)).toBeVisible()
  await page.goto(`/infrastructure?host=${HOST}`)
  await panel.getByRole('button', { name: `Remove ${tag}` }).click()
  await expect(panel.getByText(tag)).toHaveCount(0)
})

/** What an agent of our own says of its checks, on the host that is there already. */
const agentPayload = (now: number) => {
  const last = { at: now - 5, duration_ms: 34, metric_samples: 120, service_checks: 1, events: 0, logs: 0 }
  const state = (check: string, outcome: string, error: string) => ({
    check,
    id: `${check}:1`,
    source: `/etc/galgo-agent/conf.d/${check}.d/conf.yaml, instance 1`,
    loader: 'core',
    version: '0.1.0',
    interval_s: 15,
    runs: 12,
    failed_runs: error === '' ? 0 : 3,
    metric_samples: 1440,
    service_checks: 12,
    events: 0,
    total_ms: 408,
    last: { ...last, outcome },
    last_ok: now - 5,
    error,
    traceback: '',
    warnings: [],
    metadata: {},
  })
  return {
    internalHostname: HOST,
    agent_checks: [['mysql', 'mysql', 'mysql:1', 'ERROR', 'told twice', '']],
    galgo_checks: [
      state('mysql', 'ERROR', 'cannot reach mysql://datadog:hunter2@db:3306'),
      state('queue_length', 'OK', ''),
    ],
    galgo_logs: [
      { type: 'file', path: '/var/log/shop.log', service: 'shop', state: 'ok', lines: 7, sent: 7 },
    ],
  }
}

test('what an agent reports of its checks is shown', async ({ page, request }, info) => {
  const answer = await request.post('/intake/', {
    headers: { 'DD-API-KEY': API_KEY },
    data: agentPayload(Math.floor(Date.now() / 1000)),
  })
  expect(answer.status()).toBe(202)
  await page.goto('/integrations')
  const row = page.getByRole('row').filter({ hasText: 'MySQL and MariaDB' })
  await expect(row).toContainText('1 failing')
  await shoot(page, info, 'integrations')
  await row.getByText('MySQL and MariaDB').click()
  const panel = page.getByRole('dialog')
  await expect(panel.getByText('cannot reach mysql://datadog:********@db:3306')).toBeVisible()
  await shoot(page, info, 'integration')
  await panel.getByRole('tab', { name: 'Configuration' }).click()
  await expect(panel.getByText('GRANT PROCESS ON *.*')).toBeVisible()

  await page.goto('/integrations?integration=cpu&tab=metrics')
  await expect(panel.getByRole('link', { name: 'system.cpu.user', exact: true })).toBeVisible()

  await page.goto(`/infrastructure/host/${HOST}`)
  await expect(page.getByText('Checks of the agent')).toBeVisible()
  await expect(page.getByRole('button', { name: /queue_length.*OK, details/ })).toBeVisible()
  await expect(page.getByText('/var/log/shop.log')).toBeVisible()
})

test('the command for a new host fetches a script that knows this server', async ({
  page,
  request,
}, info) => {
  await page.goto('/integrations/add-host')
  await expect(page.getByLabel('Command', { exact: true })).toContainText('/api/galgo/v1/agent/install.sh')
  await expect(page.getByRole('link', { name: HOST })).toBeVisible()
  await shoot(page, info, 'add-host')
  const script = await request.get('/api/galgo/v1/agent/install.sh', { headers: { 'DD-API-KEY': API_KEY } })
  expect(await script.text()).toMatch(/^#!\/bin\/sh/)
})

test('what is not kept is listed', async ({ page, request }, info) => {
  const answer = await request.post('/api/v2/logs', {
    headers: { 'DD-API-KEY': API_KEY },
    data: [{ message: 'a line' }],
  })
  expect(answer.status()).toBe(202)
  await page.goto('/settings/not-kept')
  await expect(page.getByText('/api/v2/logs').first()).toBeVisible()
  await shoot(page, info, 'not-kept')
})

test('the state of the server is shown', async ({ page }, info) => {
  await page.goto('/settings/status')
  await expect(page.getByText(/points?/i).first()).toBeVisible()
  await shoot(page, info, 'status')
})

test('the palette finds a metric', async ({ page }, info) => {
  await page.goto('/')
  await expect(page.getByRole('heading', { name: HOST })).toBeVisible()
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: 'Search and commands' }).fill('system.load')
  await expect(page.getByRole('option', { name: /system\.load\.1/ }).first()).toBeVisible()
  await shoot(page, info, 'palette')
})
