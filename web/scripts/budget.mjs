// Holds the first page to its budget: what the entry and the home route load, compressed, script and style apart.
import { readFileSync, readdirSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

/** Compressed JavaScript of the first page, in bytes (ui.md: 350 kB). */
const BUDGET = 350_000
/** No single other chunk may hide a heap of code. */
const CHUNK_BUDGET = 200_000

const dist = new URL('../dist/', import.meta.url)
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist), 'utf8'))

function collect(key, seen) {
  const chunk = manifest[key]
  if (!chunk || seen.has(chunk.file)) return seen
  seen.add(chunk.file)
  for (const next of chunk.imports ?? []) collect(next, seen)
  return seen
}

const size = (file) => gzipSync(readFileSync(new URL(file, dist))).length
const first = collect('src/home/page.tsx', collect('index.html', new Set()))
let total = 0
for (const file of first) {
  const bytes = size(file)
  total += bytes
  console.log(`${String(bytes).padStart(8)}  ${file}`)
}
console.log(`${String(total).padStart(8)}  first page of ${BUDGET}`)

const large = readdirSync(new URL('assets/', dist))
  .filter((name) => name.endsWith('.js'))
  .map((name) => [name, size(`assets/${name}`)])
  .filter(([name, bytes]) => bytes > CHUNK_BUDGET && !first.has(`assets/${name}`))
for (const [name, bytes] of large) console.log(`${String(bytes).padStart(8)}  ${name} is larger than ${CHUNK_BUDGET}`)
if (total > BUDGET || large.length > 0) process.exit(1)
