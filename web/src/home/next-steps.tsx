// Commands that bring data in or take it out, made for this server and ready to copy.
import { Card, Command } from '@/ui'
import css from './home.module.css'

interface Step {
  title: string
  text: string
  command: string
}

function steps(origin: string): Step[] {
  return [
    {
      title: 'Send a point',
      text: 'Any client of the v2 series API works; this is the shortest.',
      command: [
        `curl ${origin}/api/v2/series \\`,
        `  -H "DD-API-KEY: $DD_API_KEY" -H "Content-Type: application/json" \\`,
        `  -d '{"series":[{"metric":"hello.world","type":3,`,
        `       "points":[{"timestamp":'$(date +%s)',"value":42}],`,
        `       "resources":[{"type":"host","name":"'$(hostname)'"}]}]}'`,
      ].join('\n'),
    },
    {
      title: 'Count something from a program',
      text: 'DogStatsD listens on UDP port 8125 of the machine that runs the server.',
      command: `echo -n "page.views:1|c|#env:dev" > /dev/udp/127.0.0.1/8125`,
    },
    {
      title: 'Point an agent here',
      text: 'Two lines of its datadog.yaml, then restart it.',
      command: [`dd_url: ${origin}`, 'api_key: <your API key>'].join('\n'),
    },
    {
      title: 'Ask from a shell',
      text: 'The same queries as in the explorer, as a table and a small graph.',
      command: `galgo query 'avg:system.load.1{*} by {host}' --from -1h`,
    },
  ]
}

export function NextSteps() {
  return (
    <section aria-labelledby="next-steps">
      <h2 id="next-steps" className={css.heading}>
        Next steps
      </h2>
      <div className={css.steps}>
        {steps(window.location.origin).map(({ title, text, command }) => (
          <Card key={title} className={css.step}>
            <h3>{title}</h3>
            <p>{text}</p>
            <Command label={title}>{command}</Command>
          </Card>
        ))}
      </div>
    </section>
  )
}
