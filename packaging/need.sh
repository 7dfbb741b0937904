#!/bin/bash
# Says in one line what is missing or too old on this machine, and how to get it, before a build fails half-way.
#   need.sh cargo|node|python
set -eu
cd "$(dirname "$0")/.."

# at_least HAVE WANT: compares versions.
at_least() {
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

fail() {
  echo "$1" >&2
  exit 1
}

case $1 in
  cargo)
    want=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    command -v cargo >/dev/null || fail "cargo is missing: install Rust $want or later from https://rustup.rs"
    have=$(cargo --version | cut -d' ' -f2)
    at_least "$have" "$want" || fail "cargo is $have, Rust $want or later is needed: rustup update stable (https://rustup.rs)"
    command -v cc >/dev/null || fail "a C compiler is missing (Debian: apt install build-essential)"
    ;;
  node)
    want=$(sed -n 's/.*"node": ">=\(.*\)".*/\1/p' web/package.json)
    command -v node >/dev/null || fail "node is missing: install Node.js $want or later (Debian 13: apt install nodejs npm)"
    have=$(node -p process.versions.node)
    at_least "$have" "$want" || fail "node is $have, $want or later is needed (https://nodejs.org)"
    command -v npm >/dev/null || fail "npm is missing (Debian: apt install npm)"
    ;;
  python)
    command -v python3 >/dev/null || fail "python3 is missing (Debian: apt install python3 python3-venv)"
    python3 -c 'import venv, ensurepip' 2>/dev/null || fail "python3 has no venv (Debian: apt install python3-venv)"
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || fail "python3 is older than 3.10"
    ;;
  *)
    fail "usage: need.sh cargo|node|python"
    ;;
esac
