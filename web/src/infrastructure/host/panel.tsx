// A host beside a list or a map.
import { useNavigate } from '@tanstack/react-router'
import { Maximize2 } from 'lucide-react'
import { CopyButton, IconButton, SidePanel } from '@/ui'
import { HostBody } from './body'
import css from './host.module.css'

export function HostPanel({ name, onClose }: { name: string | undefined; onClose: () => void }) {
  const navigate = useNavigate()
  if (name === undefined) return null
  const title = (
    <span className={css.title}>
      {name}
      <CopyButton text={name} label="Copy the name" />
    </span>
  )
  const full = (
    <IconButton
      label="Open as a page"
      onClick={() => void navigate({ to: '/infrastructure/host/$name', params: { name } })}
    >
      <Maximize2 size={15} />
    </IconButton>
  )
  return (
    <SidePanel open onClose={onClose} title={title} actions={full} width={760}>
      <HostBody key={name} name={name} />
    </SidePanel>
  )
}
