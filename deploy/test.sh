#!/usr/bin/env bash
# The whole test suite in two halves beside each other: much of it waits for other processes. The
# first half shows its progress; what the other one says follows when both are done.
set -uo pipefail
cd "$(dirname "$0")/.."

mkdir -p var
other=var/test-other.log
DATA_DIR=var/test-other .venv/bin/python -m pytest --ignore=tests/integration >"$other" 2>&1 &
job=$!
trap 'kill "$job" 2>/dev/null; wait "$job"; exit 130' INT TERM
.venv/bin/python -m pytest tests/integration
first=$?
wait "$job"
second=$?
cat "$other"
exit $((first | second))
