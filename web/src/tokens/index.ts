// The token table for code that paints on a canvas and therefore cannot use CSS custom properties.
import table from './tokens.json'

export type ThemeName = 'light' | 'dark'
export type ColorToken = keyof typeof table.color

export const SERIES_COLORS: readonly string[] = table.series
export const FONT_SANS = table.font.sans

export function color(name: ColorToken, theme: ThemeName): string {
  const [light, dark] = table.color[name] as [string, string]
  return theme === 'light' ? light : dark
}
