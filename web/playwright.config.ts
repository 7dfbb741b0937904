import { defineConfig } from '@playwright/test'

// The built page against the mock. Debian's Chromium; CHROMIUM names another.
const PORT = Number(process.env.GALGO_PAGE_PORT ?? 4173)
const OUT = 'test-results/dist'
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
]

export default defineConfig({
  testDir: 'test/page',
  outputDir: 'test-results/run',
  workers: 1,
  timeout: 45_000,
  reporter: [['list']],
  use: {
    baseURL: `http://127.0.0.1:${PORT}`,
    trace: 'retain-on-failure',
    contextOptions: { reducedMotion: 'reduce' },
    permissions: ['clipboard-read', 'clipboard-write'],
    launchOptions: { executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS },
  },
  projects: [
    { name: 'light', use: { colorScheme: 'light' } },
    { name: 'dark', use: { colorScheme: 'dark' } },
  ],
  webServer: {
    command: `node node_modules/vite/bin/vite.js build --outDir ${OUT} --emptyOutDir && node node_modules/vite/bin/vite.js preview --outDir ${OUT} --port ${PORT} --strictPort`,
    env: { GALGO_MOCK: '1' },
    url: `http://127.0.0.1:${PORT}/`,
    timeout: 120_000,
    reuseExistingServer: true,
  },
})
