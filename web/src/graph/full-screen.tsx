// One graph over the whole screen, with its table and its own handle on the time range.
import { useRef } from 'react'
import { TimePicker } from '@/time'
import { FullScreen } from '@/ui'
import { GraphBody, GraphLegend, useGraphView } from './card'
import type { GraphCardProps } from './card'
import css from './graph.module.css'
import { GraphMenu } from './menu'

export function GraphFullScreen({ onClose, ...props }: GraphCardProps & { onClose: () => void }) {
  const root = useRef<HTMLDivElement>(null)
  const view = useGraphView(props, true, true)
  const { title, parts } = props
  const actions = (
    <>
      <TimePicker />
      <GraphMenu title={title} parts={parts} view={view} root={root} />
    </>
  )
  return (
    <FullScreen open onClose={onClose} title={title} actions={actions}>
      <div ref={root} className={css.full}>
        <GraphBody title={title} view={view} parts={parts} onReplace={props.onReplace} />
        <GraphLegend kind="table" view={view} maxHeight={400} />
      </div>
    </FullScreen>
  )
}
