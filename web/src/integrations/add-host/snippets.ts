// Commands that bring a host in, with this server's address and an API key in them.

export interface InstallOptions {
  origin: string
  apiKey: string
  /** `env:production,team:core`; empty for none. */
  tags: string
  /** Take the configuration of Datadog's agent over. */
  takeOver: boolean
}

/** Text as one word of a shell. */
export const quoted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`

/** Tags as the script takes them: between commas, without blanks. */
export const tagList = (tags: string): string =>
  tags
    .split(/[\s,]+/)
    .filter(Boolean)
    .join(',')

export function installCommand({ origin, apiKey, tags, takeOver }: InstallOptions): string {
  const list = tagList(tags)
  const settings = [
    `GALGO_URL=${quoted(origin)}`,
    `GALGO_API_KEY=${quoted(apiKey)}`,
    ...(list === '' ? [] : [`GALGO_TAGS=${quoted(list)}`]),
    ...(takeOver ? ['GALGO_TAKE_OVER=1'] : []),
  ]
  return [
    `curl -fsSL -H "DD-API-KEY: ${apiKey}" \\`,
    `  ${quoted(`${origin}/api/galgo/v1/agent/install.sh`)} \\`,
    `  | sudo ${settings.join(' \\\n    ')} \\`,
    '    sh',
  ].join('\n')
}

export function datadogYaml(origin: string, apiKey: string, tags: string): string {
  const list = tagList(tags)
  return `api_key: ${apiKey}
dd_url: ${origin}
${
  list === ''
    ? ''
    : `tags: [${list
        .split(',')
        .map((tag) => `"${tag.replaceAll('"', '')}"`)
        .join(', ')}]\n`
}logs_config:
  logs_dd_url: ${origin}
  force_use_http: true
apm_config:
  apm_dd_url: ${origin}
process_config:
  process_dd_url: ${origin}
remote_configuration:
  enabled: false
agent_telemetry:
  enabled: false
`
}

/** The same server as one that Datadog's agent sends to beside its own. */
export function besideYaml(origin: string, apiKey: string): string {
  return `additional_endpoints:
  "${origin}":
    - ${apiKey}
`
}
