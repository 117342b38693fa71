#!/usr/bin/env bash
# Install the programs of requirements.txt in build/containers, and print that
# directory's bin.
#
# usage: t/containers/tools.sh

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
exec scripts/venv.sh containers t/containers/requirements.txt
