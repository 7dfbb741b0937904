// Makes the mock answer with a fleet of another size.
import type { Page } from '@playwright/test'

const BY_FLEET = /\/api\/(v1\/hosts|v2\/query\/scalar|galgo\/v1\/hosts\/)/

export async function withFleet(page: Page, size: number): Promise<void> {
  await page.route(BY_FLEET, (route) => {
    const url = new URL(route.request().url())
    url.searchParams.set('mock_hosts', String(size))
    return route.continue({ url: url.toString() })
  })
}
