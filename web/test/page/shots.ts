// Screenshots at the widths that matter, into a folder that git ignores, for people to look at.
import type { Page, TestInfo } from '@playwright/test'

const WIDTHS = [
  [390, 844],
  [1280, 800],
  [1920, 1080],
] as const

export async function shoot(page: Page, info: TestInfo, name: string): Promise<void> {
  for (const [width, height] of WIDTHS) {
    await page.setViewportSize({ width, height })
    await page.waitForTimeout(400)
    await page.screenshot({ path: `test/page/shots/${name}-${width}-${info.project.name}.png` })
  }
}
