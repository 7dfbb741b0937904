import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'
import { mockServer } from './dev/mock.ts'
import { tokens } from './dev/tokens-plugin.ts'

// GALGO_MOCK=1 answers the API from dev/mock.ts; otherwise a running server is expected here.
const SERVER = process.env.GALGO_SERVER ?? 'http://127.0.0.1:8080'
const mocked = process.env.GALGO_MOCK === '1'
const proxy = mocked ? undefined : { '/api': { target: SERVER } }

export default defineConfig({
  plugins: [react(), tokens(), ...(mocked ? [mockServer()] : [])],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: { target: 'es2022', manifest: true, sourcemap: false, assetsInlineLimit: 0, chunkSizeWarningLimit: 900 },
  server: { host: '127.0.0.1', port: 5173, proxy },
  preview: { host: '127.0.0.1', proxy },
  test: { include: ['src/**/*.test.ts', 'src/**/*.test.tsx', 'dev/**/*.test.ts'], environment: 'node' },
})
