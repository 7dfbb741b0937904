// A host as a page of its own.
import { getRouteApi } from '@tanstack/react-router'
import { useEffect } from 'react'
import { CopyButton } from '@/ui'
import { HostBody } from './body'
import css from './host.module.css'

const route = getRouteApi('/app/infrastructure/host/$name')

export function HostPage() {
  const { name } = route.useParams()
  useEffect(() => {
    document.title = `${name} · Galgo`
  }, [name])
  return (
    <div className={css.page}>
      <h2 className={css.pageTitle}>
        {name}
        <CopyButton text={name} label="Copy the name" />
      </h2>
      <HostBody name={name} wide />
    </div>
  )
}
