// A share of a whole as a bar, with the words beside it.
import css from './meter.module.css'

export interface MeterProps {
  label: string
  value: number
  max: number
  /** The share above which the bar warns, and above which it alarms. */
  warn?: number
  alert?: number
  /** Thin, for cells of tables. */
  small?: boolean
}

export function Meter({ label, value, max, warn = 0.8, alert = 0.95, small = false }: MeterProps) {
  const share = max > 0 ? Math.min(1, Math.max(0, value / max)) : 0
  const state = share >= alert ? 'alert' : share >= warn ? 'warn' : 'ok'
  return (
    <div
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={max}
      aria-valuenow={Math.min(value, max)}
      className={css.meter}
      data-small={small}
    >
      <div className={css.bar} data-state={state} style={{ width: `${share * 100}%` }} />
    </div>
  )
}
