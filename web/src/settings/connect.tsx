// Snippets that connect agents, libraries and scripts to this server.
import { Tabs } from 'radix-ui'
import { useMemo } from 'react'
import { CopyButton } from '@/ui'
import text from '@/ui/text.module.css'
import { PLACEHOLDERS, snippetsFor } from './snippets'
import type { Secrets } from './snippets'
import css from './settings.module.css'

export function Connect({ secrets }: { secrets: Secrets }) {
  const snippets = useMemo(() => snippetsFor(window.location.origin, secrets), [secrets])
  const incomplete = secrets.apiKey === PLACEHOLDERS.apiKey
  return (
    <section className={css.section}>
      <div>
        <h2>Connect</h2>
        <p className={text.quiet}>
          Agents, libraries and tools made for Datadog work unchanged; they only need another address.
          {incomplete && ' A key that you create here is put into the snippets.'}
        </p>
      </div>
      <Tabs.Root defaultValue="yaml" className={css.card}>
        <Tabs.List className={css.tabs} aria-label="Ways to connect">
          {snippets.map(({ id, label }) => (
            <Tabs.Trigger key={id} value={id} className={css.tab}>
              {label}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        {snippets.map((snippet) => (
          <Tabs.Content key={snippet.id} value={snippet.id} className={css.snippet}>
            <div className={css.where}>
              <span className={text.quiet}>{snippet.where}</span>
              <CopyButton text={snippet.text} label={`Copy ${snippet.label}`} />
            </div>
            <pre tabIndex={0} aria-label={snippet.label}>
              {snippet.text}
            </pre>
          </Tabs.Content>
        ))}
      </Tabs.Root>
    </section>
  )
}
