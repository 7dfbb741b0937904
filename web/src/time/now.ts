// The page's clock: one timer for every live graph, quiet while the tab is hidden.
import { refreshEvery } from './range'

type Listener = () => void

/** Ticks are aligned to whole multiples of the refresh period, so that equal queries share one answer. */
class LiveClock {
  private listeners = new Set<Listener>()
  private timer: ReturnType<typeof setTimeout> | undefined
  private period = refreshEvery(0)
  private current = Date.now()

  now = (): number => this.current

  subscribe = (listener: Listener): (() => void) => {
    this.listeners.add(listener)
    if (this.listeners.size === 1) this.start()
    return () => {
      this.listeners.delete(listener)
      if (this.listeners.size === 0) this.stop()
    }
  }

  /** The span on show decides how often it is worth asking again. */
  setSpan(span: number): void {
    const period = refreshEvery(span)
    if (period === this.period) return
    this.period = period
    if (this.timer !== undefined) this.schedule()
  }

  /** Now, at once: after a refresh button or when the tab comes back. */
  tick = (): void => {
    this.current = Date.now()
    for (const listener of this.listeners) listener()
    this.schedule()
  }

  private start(): void {
    this.current = Date.now()
    document.addEventListener('visibilitychange', this.onVisibility)
    this.schedule()
  }

  private stop(): void {
    document.removeEventListener('visibilitychange', this.onVisibility)
    clearTimeout(this.timer)
    this.timer = undefined
  }

  private schedule(): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(this.onTimer, this.period - (Date.now() % this.period))
  }

  private onTimer = (): void => {
    if (document.visibilityState === 'hidden') {
      this.timer = undefined
      return
    }
    this.tick()
  }

  private onVisibility = (): void => {
    if (document.visibilityState === 'visible' && this.timer === undefined) this.tick()
  }
}

export const liveClock = new LiveClock()
