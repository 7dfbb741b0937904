// Serves `virtual:tokens.css`: the token table as CSS custom properties, light by default, dark by the
// system's wish or by the user's choice (`<html data-theme>`). One table, so the themes cannot drift apart.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'

interface TokenTable {
  color: Record<string, [light: string, dark: string]>
  shadow: [light: string, dark: string]
  series: string[]
  size: Record<string, string>
  font: Record<string, string>
}

const TABLE = fileURLToPath(new URL('../src/tokens/tokens.json', import.meta.url))
const NAME = 'virtual:tokens.css'

function declarations(table: TokenTable, theme: 0 | 1): string {
  const colours = Object.entries(table.color).map(([name, pair]) => `--${name}:${pair[theme]};`)
  return [
    `color-scheme:${theme === 0 ? 'light' : 'dark'};`,
    ...colours,
    `--shadow:${table.shadow[theme]};`,
  ].join('')
}

export function tokensCss(table: TokenTable): string {
  const sizes = Object.entries(table.size).map(([name, value]) => `--${name}:${value};`)
  const fonts = Object.entries(table.font).map(([name, value]) => `--font-${name}:${value};`)
  const series = table.series.map((value, index) => `--series-${index}:${value};`)
  return [
    `:root{${[...sizes, ...fonts, ...series].join('')}${declarations(table, 0)}}`,
    `@media (prefers-color-scheme:dark){:root:not([data-theme=light]){${declarations(table, 1)}}}`,
    `:root[data-theme=dark]{${declarations(table, 1)}}`,
  ].join('\n')
}

export function tokens(): Plugin {
  return {
    name: 'galgo-tokens',
    resolveId: (id) => (id === NAME ? `\0${NAME}` : undefined),
    load(id) {
      if (id !== `\0${NAME}`) return undefined
      this.addWatchFile(TABLE)
      return tokensCss(JSON.parse(readFileSync(TABLE, 'utf8')) as TokenTable)
    },
  }
}
