// Takes the pictures of README.md from servers that run: one that has measured its machine for a quarter of an hour, and one with
// a fleet on it (galgo bench metrics --hosts 140 --series-per-host 20 --hours 1 --points-per-series 12 --url …).
//
// Those of the integrations want agents that run some: the last server, or the first.
//
//   GALGO_ADMIN_PASSWORD=… node docs/images/take.mjs http://127.0.0.1:8080 HOST [http://127.0.0.1:8180 [http://127.0.0.1:8280]]
import { createRequire } from 'node:module'

const { chromium } = createRequire(new URL('../../web/package.json', import.meta.url))('@playwright/test')
const [machine, host, fleet, agents = machine] = process.argv.slice(2)
const RANGE = 'from=-15m&live=true'
const WAIT_MS = 4000

const explorer =
  `/metrics/explorer?${RANGE}&kind=area&a=avg:system.cpu.user{*}&b=avg:system.cpu.system{*}` +
  `&c=avg:system.cpu.iowait{*}&stack=true`
const pictures = [
  { name: 'home-light', scheme: 'light', server: machine, path: `/?${RANGE}` },
  { name: 'explorer-dark', scheme: 'dark', server: machine, path: explorer },
  { name: 'host-light', scheme: 'light', server: machine, path: `/infrastructure?host=${host}&${RANGE}` },
  { name: 'summary-light', scheme: 'light', server: machine, path: `/metrics/summary?metric=system.net.bytes_rcvd&${RANGE}` },
  { name: 'integrations-light', scheme: 'light', server: agents, path: '/integrations' },
  { name: 'integration-dark', scheme: 'dark', server: agents, path: '/integrations?integration=mysql' },
  { name: 'map-dark', scheme: 'dark', server: fleet, path: `/infrastructure/map?from=-1h&live=true&fill=avg:bench.cpu.walk.00&group=region` },
]

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
})
for (const { name, scheme, server, path } of pictures.filter((picture) => picture.server)) {
  const context = await browser.newContext({
    colorScheme: scheme,
    viewport: { width: 1280, height: 800 },
    reducedMotion: 'reduce',
  })
  const login = await context.request.post(`${server}/api/galgo/v1/login`, {
    headers: { 'X-Galgo-Page': '1' },
    data: { user: 'admin', password: process.env.GALGO_ADMIN_PASSWORD },
  })
  if (login.status() !== 204) throw new Error(`${server} refuses the login: ${login.status()}`)
  const page = await context.newPage()
  await page.goto(server + path)
  await page.waitForTimeout(WAIT_MS)
  await page.screenshot({ path: new URL(`${name}.png`, import.meta.url).pathname })
  await context.close()
}
await browser.close()
