// What to paste where, so that data go to this server.

export interface Snippet {
  id: string
  label: string
  /** Where it belongs. */
  where: string
  text: string
}

export interface Secrets {
  apiKey: string
  appKey: string
}

/** Until somebody makes a key, its place is held by a shell variable. */
export const PLACEHOLDERS: Secrets = { apiKey: '<API key>', appKey: '<application key>' }

function yaml(origin: string, { apiKey }: Secrets): string {
  return `api_key: ${apiKey}
dd_url: ${origin}
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

function variables(origin: string, { apiKey }: Secrets): string {
  return `DD_API_KEY=${apiKey}
DD_DD_URL=${origin}
DD_APM_DD_URL=${origin}
DD_PROCESS_CONFIG_PROCESS_DD_URL=${origin}
DD_REMOTE_CONFIGURATION_ENABLED=false
DD_AGENT_TELEMETRY_ENABLED=false
`
}

function python(origin: string, { apiKey, appKey }: Secrets): string {
  return `from datadog import initialize, api

initialize(api_key="${apiKey}", app_key="${appKey}", api_host="${origin}")
api.Metric.send(metric="try.me", points=1, tags=["env:test"])
`
}

function pythonClient(origin: string, { apiKey, appKey }: Secrets): string {
  return `import time
from datadog_api_client import ApiClient, Configuration
from datadog_api_client.v1.api.metrics_api import MetricsApi

configuration = Configuration(host="${origin}")
configuration.api_key["apiKeyAuth"] = "${apiKey}"
configuration.api_key["appKeyAuth"] = "${appKey}"
with ApiClient(configuration) as client:
    now = int(time.time())
    print(MetricsApi(client).query_metrics(_from=now - 3600, to=now, query="avg:try.me{*}"))
`
}

function curl(origin: string, { apiKey, appKey }: Secrets): string {
  return `# send a point
curl -X POST '${origin}/api/v2/series' \\
  -H 'DD-API-KEY: ${apiKey}' -H 'Content-Type: application/json' \\
  -d '{"series":[{"metric":"try.me","type":3,"points":[{"timestamp":'$(date +%s)',"value":1}]}]}'

# read it back
curl -G '${origin}/api/v1/query' \\
  -H 'DD-API-KEY: ${apiKey}' -H 'DD-APPLICATION-KEY: ${appKey}' \\
  -d "from=$(($(date +%s) - 3600))" -d "to=$(date +%s)" --data-urlencode 'query=avg:try.me{*}'
`
}

const STATSD = `from datadog import initialize, statsd

initialize(statsd_host="127.0.0.1", statsd_port=8125)
statsd.increment("try.me", tags=["env:test"])
`

export function snippetsFor(origin: string, secrets: Secrets): Snippet[] {
  return [
    {
      id: 'yaml',
      label: 'datadog.yaml',
      where: 'In /etc/datadog-agent/datadog.yaml, then: systemctl restart datadog-agent',
      text: yaml(origin, secrets),
    },
    {
      id: 'env',
      label: 'DD_* variables',
      where: 'For an agent in a container: one --env for each, or a file for --env-file',
      text: variables(origin, secrets),
    },
    { id: 'python', label: 'Python: datadog', where: 'pip install datadog', text: python(origin, secrets) },
    {
      id: 'python-client',
      label: 'Python: API client',
      where: 'pip install datadog-api-client',
      text: pythonClient(origin, secrets),
    },
    {
      id: 'statsd',
      label: 'DogStatsD',
      where: 'To the server itself, or to an agent beside the application. UDP needs no key.',
      text: STATSD,
    },
    { id: 'curl', label: 'curl', where: 'In a shell', text: curl(origin, secrets) },
  ]
}
