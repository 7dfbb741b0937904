// Which series are hidden, and what clicks do to that.

/** Only this one; or all again when it already stands alone. */
export function isolate(keys: readonly string[], hidden: ReadonlySet<string>, key: string): Set<string> {
  const alone = !hidden.has(key) && keys.every((other) => other === key || hidden.has(other))
  return alone ? new Set() : new Set(keys.filter((other) => other !== key))
}

export function toggle(hidden: ReadonlySet<string>, key: string): Set<string> {
  const next = new Set(hidden)
  if (!next.delete(key)) next.add(key)
  return next
}
