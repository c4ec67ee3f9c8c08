# Sourced by the test scripts: where things are, and the installed tools first in PATH.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
TOOLS=$ROOT/target/tools
export ROOT TOOLS
export PYTHONDONTWRITEBYTECODE=1
export PATH="$TOOLS/venv/bin:$TOOLS/npm/node_modules/.bin:$TOOLS/cargo/bin:$PATH"

# Says why and stops: a part that cannot do its work has failed.
fail() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}
