// How an integration is switched on: what to do, which files, ready to copy.
import { Link } from '@tanstack/react-router'
import { CopyButton } from '@/ui'
import text from '@/ui/text.module.css'
import type { ExampleFile, IntegrationDetail, Step } from '../types'
import css from './panel.module.css'

/** Examples hold the server's address as `{server}`. */
export const withServer = (lines: readonly string[], origin: string): string =>
  lines.join('\n').replaceAll('{server}', origin)

export function Configuration({ detail }: { detail: IntegrationDetail }) {
  const { files = [], steps = [], notes = [] } = detail
  if (files.length === 0) return <Unknown detail={detail} />
  return (
    <>
      <p className={text.quiet}>
        Files lie in the agent’s folder: <code className={text.mono}>/etc/galgo-agent</code>, or{' '}
        <code className={text.mono}>/etc/datadog-agent</code> for Datadog’s.{' '}
        <Link to="/integrations/add-host">No agent yet?</Link>
      </p>
      {files.map((file) => (
        <FileBox key={file.path} file={file} />
      ))}
      {notes.length > 0 && (
        <ul className={css.notes}>
          {notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
      <section className={css.section}>
        <h3>Steps</h3>
        <ol className={css.steps}>
          {steps.map((step) => (
            <StepItem key={step.title} step={step} />
          ))}
        </ol>
      </section>
    </>
  )
}

export function FileBox({ file }: { file: ExampleFile }) {
  const content = `${withServer(file.lines, window.location.origin)}\n`
  return (
    <section className={css.file}>
      <div className={css.fileHead}>
        <h3 className={text.mono}>{file.path}</h3>
        <CopyButton text={content} label={`Copy ${file.path}`} />
      </div>
      <pre tabIndex={0} aria-label={file.path}>
        {content}
      </pre>
    </section>
  )
}

function StepItem({ step }: { step: Step }) {
  const commands = withServer(step.commands, window.location.origin)
  return (
    <li>
      <h4>{step.title}</h4>
      <p className={text.quiet}>{step.text}</p>
      {commands !== '' && (
        <div className={css.commands}>
          <pre tabIndex={0} aria-label={step.title}>
            {commands}
          </pre>
          <CopyButton text={commands} label={`Copy: ${step.title}`} />
        </div>
      )}
    </li>
  )
}

/** A check that the catalogue does not know: what agents tell of its configuration is all there is. */
function Unknown({ detail }: { detail: IntegrationDetail }) {
  const sources = [
    ...new Set(detail.instances.map(({ source }) => source).filter((source) => source !== null)),
  ]
  const example = detail.instances.find(({ configuration }) => configuration?.instance)
  return (
    <>
      <p>
        The catalogue does not describe this check.{' '}
        {sources.length > 0 && 'Agents read its configuration from:'}
      </p>
      {sources.length > 0 && (
        <ul className={css.notes}>
          {sources.slice(0, 10).map((source) => (
            <li key={source} className={text.mono}>
              {source}
            </li>
          ))}
        </ul>
      )}
      {example?.configuration && (
        <FileBox
          file={{
            path: `${detail.name}, as ${example.host} has it`,
            language: 'yaml',
            lines: example.configuration.instance.trimEnd().split('\n'),
          }}
        />
      )}
      <p>
        <Link to="/integrations" search={{ integration: 'custom_check', tab: 'configuration' }}>
          How a check of one’s own is made
        </Link>
      </p>
    </>
  )
}
