#!/bin/sh
# Installs the Galgo host agent: binary, user, configuration, systemd unit. Run it as root; run it again to update.
#
#   GALGO_URL=https://galgo.example GALGO_API_KEY=… [GALGO_TAGS=env:prod,team:a] sh install.sh [BINARY]
#
# BINARY is a galgo executable. Without it the one of the server is fetched, or the one beside this script is taken.
# An existing configuration is kept; /etc/datadog-agent is taken over when GALGO_TAKE_OVER=1.
set -eu

say() { printf '%s\n' "$*"; }
fail() { printf 'install: %s\n' "$*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || fail "must run as root (sudo)"
url=${GALGO_URL:-}
key=${GALGO_API_KEY:-${DD_API_KEY:-}}
tags=${GALGO_TAGS:-${DD_TAGS:-}}
config=${GALGO_AGENT_CONFIG:-/etc/galgo-agent}
target=${GALGO_BINARY_PATH:-/usr/local/bin/galgo}
here=$(cd "$(dirname "$0")" 2>/dev/null && pwd || pwd)

fetch() { # URL FILE: with the key in a header, never in the address
    if command -v curl >/dev/null; then
        printf 'header = "DD-API-KEY: %s"\n' "$key" | curl --fail --silent --show-error --location --config - --output "$2" "$1"
    elif command -v wget >/dev/null; then
        wget --quiet --header="DD-API-KEY: $key" --output-document="$2" "$1"
    else
        fail "neither curl nor wget is installed"
    fi
}

binary=${1:-}
fetched=
if [ -z "$binary" ] && [ -x "$here/galgo" ]; then
    binary=$here/galgo
elif [ -z "$binary" ]; then
    [ -n "$url" ] && [ -n "$key" ] || fail "set GALGO_URL and GALGO_API_KEY, or name a galgo executable"
    fetched=$(mktemp)
    trap 'rm -f "$fetched"' EXIT
    say "fetching the agent from $url"
    fetch "$url/api/galgo/v1/agent/binary?arch=$(uname -m)" "$fetched" || fail "no agent could be fetched from $url"
    binary=$fetched
fi
install -D -m 0755 "$binary" "$target.new"
"$target.new" version >/dev/null || { rm -f "$target.new"; fail "$binary does not run on this machine"; }
mv -f "$target.new" "$target"

if ! id galgo-agent >/dev/null 2>&1; then
    useradd --system --home-dir /var/lib/galgo-agent --shell /usr/sbin/nologin galgo-agent
fi
if [ "${GALGO_TAKE_OVER:-0}" = 1 ] && [ -d /etc/datadog-agent ] && [ ! -e "$config" ]; then
    say "taking over the configuration of /etc/datadog-agent"
    cp -a /etc/datadog-agent "$config"
fi
install -d -m 0750 "$config"
install -d -m 0755 "$config/conf.d" "$config/checks.d"
install -d -m 0750 /var/lib/galgo-agent
if [ ! -e "$config/datadog.yaml" ]; then
    [ -n "$url" ] && [ -n "$key" ] || fail "set GALGO_URL and GALGO_API_KEY: there is no $config/datadog.yaml yet"
    umask 077
    {
        say "api_key: $key"
        say "dd_url: $url"
        [ -z "$tags" ] || say "tags: $tags"
        say "logs_enabled: true"
        say "logs_config:"
        say "  logs_dd_url: $url"
    } > "$config/datadog.yaml"
fi
chown -R root:galgo-agent "$config"
chmod 0640 "$config/datadog.yaml"
chown galgo-agent:galgo-agent /var/lib/galgo-agent

if [ -d /run/systemd/system ]; then
    unit=/etc/systemd/system/galgo-agent.service
    if [ -f "$here/galgo-agent.service" ]; then
        install -m 0644 "$here/galgo-agent.service" "$unit"
    else
        "$target" agent unit > "$unit"
    fi
    systemctl daemon-reload
    systemctl enable galgo-agent >/dev/null 2>&1
    systemctl restart galgo-agent
    say "the agent runs: galgo agent status"
else
    say "installed; there is no systemd here, start it with: galgo agent run --config $config"
fi
