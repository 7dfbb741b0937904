import { readFileSync } from 'node:fs'
import type { Page } from '@playwright/test'
import { expect, test } from './watch'
import { expectAccessible } from './axe'
import { shoot } from './shots'

const graph = (page: Page) => page.locator('.u-over').first()
const editor = (page: Page, name = 'a') => page.getByRole('textbox', { name: `Query ${name}` })
const open = (page: Page, search: string) =>
  page.goto(`/metrics/explorer?${new URLSearchParams(search).toString()}`)

test('a query, its graph and its table', async ({ page }, info) => {
  await open(page, 'a=avg:system.cpu.user{role:web} by {host}&from=-4h&live=true')
  await expect(page.getByRole('img', { name: /graph of 8 series|graph of 9 series/ })).toBeVisible()
  await expect(page.getByRole('table')).toContainText('host:web-01')
  await expectAccessible(page)
  await shoot(page, info, 'explorer')
})

test('formula over two queries as bars', async ({ page }, info) => {
  await open(
    page,
    'a=sum:app.request.count{status:5xx}&b=sum:app.request.count{*}&f1=a / b * 100&hide=a,b&kind=bars',
  )
  await expect(page.getByRole('img', { name: /graph of 1 series/ })).toBeVisible()
  await expect(page.getByRole('table')).toContainText('a / b * 100')
  await shoot(page, info, 'explorer-formula')
})

test('typing with completion ends in a drawn query', async ({ page }) => {
  await open(page, '')
  await expect(page.getByText('Choose a metric to draw')).toBeVisible()
  await editor(page).pressSequentially('load.1')
  await page
    .getByRole('option', { name: /system\.load\.1/ })
    .first()
    .click()
  await expect(editor(page)).toHaveText('avg:system.load.1{*}')
  await expect(page.getByRole('option', { name: /^env/ })).toBeVisible()
  await page.keyboard.type('role')
  // Faster than a hand: the list must have caught up before the click.
  await expect(page.getByRole('option', { name: /^env/ })).toBeHidden()
  await page.getByRole('option', { name: /^role/ }).click()
  await expect(page.getByRole('option', { name: 'worker' })).toBeVisible()
  await page.keyboard.type('db')
  await page.keyboard.press('Tab')
  await expect(editor(page)).toHaveText('avg:system.load.1{role:db}')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/a=avg:system\.load\.1/)
  await expect(page.getByRole('img', { name: /graph of 1 series/ })).toBeVisible()
})

test('the form writes the text and the text fills the form', async ({ page }) => {
  await open(page, 'a=avg:system.load.1{*}')
  await page.getByRole('combobox', { name: 'Group a by' }).click()
  await page.getByRole('option', { name: /^role/ }).click()
  await expect(editor(page)).toHaveText('avg:system.load.1{*} by {role}')
  await page.getByRole('combobox', { name: 'Scope of a' }).click()
  await page.getByRole('option', { name: /^env:/ }).click()
  await page.getByRole('option', { name: 'env:staging' }).click()
  await expect(editor(page)).toHaveText('avg:system.load.1{env:staging} by {role}')
  await page.getByRole('combobox', { name: 'Aggregation of a' }).click()
  await page.getByRole('option', { name: 'max by' }).click()
  await expect(page).toHaveURL(/a=max:system\.load\.1/)
  await page.getByRole('button', { name: 'Add a function to a' }).click()
  await page.getByRole('searchbox', { name: 'Find a function' }).fill('top')
  await page.getByRole('button', { name: /^top/ }).click()
  await expect(editor(page)).toHaveText("top(max:system.load.1{env:staging} by {role}, 10, 'mean', 'desc')")
  await page.getByRole('button', { name: 'Remove top' }).click()
  await expect(editor(page)).toHaveText('max:system.load.1{env:staging} by {role}')
  await editor(page).fill('avg:system.load.1{*} * 2')
  await expect(page.getByText('more than the form can show')).toBeVisible()
})

test('an error is underlined where the server points and the other query stays', async ({ page }) => {
  await open(page, 'a=avg:system.load.1{*}&b=avg:system.load.5{role:web')
  await expect(page.getByText(/expected } at character/)).toBeVisible()
  await expect(page.locator('.cm-lintRange-error')).toBeVisible()
  await expect(page.getByRole('img', { name: /graph of 1 series/ })).toBeVisible()
})

test('an empty graph says what does not exist and offers what is near', async ({ page }) => {
  await open(page, 'a=avg:system.lod.1{*}')
  await expect(page.getByText('There is no metric named system.lod.1.')).toBeVisible()
  await open(page, 'a=avg:system.load.1{role:wbe}')
  await expect(page.getByText('system.load.1 has no role:wbe.')).toBeVisible()
  await page.getByRole('button', { name: 'role:web' }).click()
  await expect(page.getByRole('img', { name: /graph of 1 series/ })).toBeVisible()
})

test('hover shows values, drag zooms, a double click zooms out', async ({ page }, info) => {
  await open(page, 'a=avg:system.cpu.user{*} by {role}&from=-4h&live=true')
  await expect(page.getByRole('table')).toContainText('role:web')
  const box = await graph(page).boundingBox()
  if (!box) throw new Error('the graph has no box')
  const y = box.y + box.height / 2
  await page.mouse.move(box.x + box.width / 2, y)
  await expect(page.getByText(/\d\d:\d\d:\d\d$/)).toBeVisible()
  await page.screenshot({ path: `test/page/shots/hover-${info.project.name}.png` })
  await page.mouse.move(box.x + box.width * 0.25, y)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width * 0.75, y, { steps: 6 })
  await page.mouse.up()
  await expect(page).toHaveURL(/live=false/)
  const span = () => {
    const search = new URL(page.url()).searchParams
    return (Number(search.get('to')) - Number(search.get('from'))) / 3_600_000
  }
  expect(span()).toBeCloseTo(2, 0)
  await graph(page).dblclick()
  await expect.poll(span).toBeCloseTo(4, 0)
})

test('Alt and drag moves the window', async ({ page }) => {
  await open(page, 'a=avg:system.cpu.user{*}&from=-1h&live=true')
  await expect(page.getByRole('table')).toBeVisible()
  const box = await graph(page).boundingBox()
  if (!box) throw new Error('the graph has no box')
  const y = box.y + box.height / 2
  await page.keyboard.down('Alt')
  await page.mouse.move(box.x + box.width * 0.3, y)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width * 0.8, y, { steps: 5 })
  await page.mouse.up()
  await page.keyboard.up('Alt')
  await expect(page).toHaveURL(/live=false/)
  const search = new URL(page.url()).searchParams
  expect((Date.now() - Number(search.get('to'))) / 60_000).toBeCloseTo(30, -1)
})

test('the legend isolates, hides and sorts', async ({ page }) => {
  await open(page, 'a=avg:system.cpu.user{*} by {role}')
  const rows = page.locator('tbody tr[data-hidden]')
  await expect(rows.first()).toBeVisible()
  const count = await rows.count()
  await page.getByRole('button', { name: 'role:db', exact: true }).click()
  await expect(page.locator('tbody tr[data-hidden=true]')).toHaveCount(count - 1)
  await page.getByRole('button', { name: 'role:db', exact: true }).click()
  await expect(page.locator('tbody tr[data-hidden=true]')).toHaveCount(0)
  await page.getByRole('button', { name: 'role:db', exact: true }).dblclick()
  await expect(page.locator('tbody tr[data-hidden=true]')).toHaveCount(1)
  await page.getByRole('button', { name: /^Series/ }).click()
  await expect(rows.first()).toContainText('role:cache')
})

test('full screen, and files', async ({ page }, info) => {
  await open(page, 'a=avg:system.mem.used{*} by {role}&kind=area')
  await expect(page.getByRole('table')).toBeVisible()
  await graph(page).hover()
  await page.keyboard.press('f')
  const full = page.getByRole('dialog')
  await expect(full.getByRole('table')).toBeVisible()
  await page.screenshot({ path: `test/page/shots/full-screen-${info.project.name}.png` })
  await page.keyboard.press('Escape')
  const menu = page.getByRole('button', { name: /^Menu of/ })
  const save = async (item: string) => {
    await menu.click()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitem', { name: item }).click(),
    ])
    return readFileSync(await download.path())
  }
  expect((await save('Save as CSV')).toString()).toMatch(/^time,role:/)
  expect(JSON.parse((await save('Save as JSON')).toString())).toHaveProperty('series.0.tags')
  const png = await save('Save as PNG')
  expect(png.subarray(1, 4).toString()).toBe('PNG')
  expect(png.length).toBeGreaterThan(5000)
})

test('a click on a series offers to filter by it', async ({ page }) => {
  await open(page, 'a=avg:system.cpu.num_cores{*} by {role}')
  await expect(page.getByRole('table')).toContainText('role:db')
  const box = await graph(page).boundingBox()
  if (!box) throw new Error('the graph has no box')
  await open(page, 'a=avg:system.cpu.user{*} by {role}&kind=area')
  await expect(page.getByRole('table')).toContainText('role:db')
  await page.mouse.move(box.x + box.width / 2, box.y + box.height - 20)
  await page.mouse.move(box.x + box.width / 2 + 2, box.y + box.height - 18)
  await page.waitForTimeout(100)
  await page.mouse.click(box.x + box.width / 2 + 2, box.y + box.height - 18)
  await page.getByRole('menuitem', { name: /^Only role:/ }).click()
  await expect(page).toHaveURL(/a=avg:system\.cpu\.user%7Brole:/)
})

test('Shift draws the period before', async ({ page }, info) => {
  await open(page, 'a=avg:system.cpu.user{*} by {role}')
  await expect(page.getByRole('img', { name: /graph of 5 series/ })).toBeVisible()
  await graph(page).hover()
  await page.keyboard.down('Shift')
  await expect(page.getByRole('img', { name: /graph of 10 series/ })).toBeVisible()
  await expect(page.getByRole('table')).toContainText('role:db, previous period')
  await page.screenshot({ path: `test/page/shots/compare-${info.project.name}.png` })
  await page.keyboard.up('Shift')
  await expect(page.getByRole('img', { name: /graph of 5 series/ })).toBeVisible()
})

test('arrow keys walk along the values', async ({ page }) => {
  await open(page, 'a=avg:system.cpu.user{*}')
  const picture = page.getByRole('img', { name: /graph of 1 series/ })
  await picture.focus()
  await page.keyboard.press('ArrowLeft')
  const time = page.getByText(/\d\d:\d\d:\d\d$/)
  await expect(time).toBeVisible()
  const before = await time.textContent()
  await page.keyboard.press('ArrowLeft')
  await expect(time).not.toHaveText(before ?? '')
})
