// Starts the real server on a free port with a data folder of its own, and waits until its first measurements of this
// machine can be asked for: processor shares need two rounds.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { API_KEY, APP_KEY, HOST, HOST_TAGS, PASSWORD } from './server'

const START_MS = 60_000
const DATA_MS = 60_000
const STOP_MS = 30_000

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      probe.close(() => resolve(port))
    })
  })
}

async function until(what: string, limitMs: number, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + limitMs
  while (Date.now() < deadline) {
    if (await holds().catch(() => false)) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error(`${what} took longer than ${limitMs / 1000} s`)
}

async function hasValues(url: string, metric: string): Promise<boolean> {
  const now = Math.floor(Date.now() / 1000)
  const search = new URLSearchParams({ from: `${now - 600}`, to: `${now + 60}`, query: `avg:${metric}{*}` })
  const headers = { 'DD-API-KEY': API_KEY, 'DD-APPLICATION-KEY': APP_KEY }
  const answer = await fetch(`${url}/api/v1/query?${search}`, { headers })
  const { series } = (await answer.json()) as { series: { pointlist: unknown[] }[] }
  return (series[0]?.pointlist.length ?? 0) > 0
}

function stop(server: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    if (server.exitCode !== null) return resolve(server.exitCode)
    const timer = setTimeout(() => server.kill('SIGKILL'), STOP_MS)
    server.once('exit', (code) => {
      clearTimeout(timer)
      resolve(code)
    })
    server.kill('SIGTERM')
  })
}

export default async function setup(): Promise<() => Promise<void>> {
  const binary = process.env.GALGO_BIN ?? '../target/debug/galgo'
  if (!existsSync(binary)) throw new Error(`GALGO_BIN names no file: ${binary}`)
  const folder = mkdtempSync(join(tmpdir(), 'galgo-page-'))
  const logPath = join(folder, 'log')
  const log = openSync(logPath, 'a')
  const url = `http://127.0.0.1:${await freePort()}`
  const strange = Object.entries(process.env).filter(([name]) => !name.startsWith('GALGO_'))
  const server = spawn(binary, ['serve'], {
    stdio: ['ignore', log, log],
    env: {
      ...Object.fromEntries(strange),
      GALGO_DATA_DIR: join(folder, 'data'),
      GALGO_HTTP_ADDR: url.replace('http://', ''),
      GALGO_DOGSTATSD_ADDR: '',
      GALGO_HOSTNAME: HOST,
      GALGO_TAGS: HOST_TAGS.join(','),
      GALGO_API_KEY: API_KEY,
      GALGO_APP_KEY: APP_KEY,
      GALGO_ADMIN_PASSWORD: PASSWORD,
    },
  })
  closeSync(log)
  const tearDown = async () => {
    const code = await stop(server)
    const text = readFileSync(logPath, 'utf8')
    rmSync(folder, { recursive: true, force: true })
    if (code !== 0 || text.includes('panicked')) throw new Error(`galgo ended with ${code}:\n${text}`)
  }
  try {
    await until('the start of galgo', START_MS, async () => (await fetch(`${url}/ready`)).ok)
    if (!(await (await fetch(url)).text()).includes('id="root"'))
      throw new Error('this binary has no page inside: build web/dist first')
    await until('the first values', DATA_MS, () => hasValues(url, 'system.cpu.user'))
  } catch (error) {
    await tearDown()
    throw error
  }
  process.env.GALGO_PAGE_URL = url
  return tearDown
}
