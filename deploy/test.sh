#!/usr/bin/env bash
# The whole test suite: what needs no quiet machine runs beside the rest, which shows its progress.
# What the former says follows when both are done. It gives way: what is beside it watches clocks.
set -uo pipefail
cd "$(dirname "$0")/.."

mkdir -p var
other=var/test-other.log
again=()
if [ -n "${CI:-}" ]; then # a browser hurries and dawdles as nothing else does
    again=(--reruns 1 --max-suite-reruns 3 --rerun-show-tracebacks --rerun-exclude-path tests/integration)
fi
DATA_DIR=var/test-other nice -n 10 .venv/bin/python -m pytest ${again[@]+"${again[@]}"} \
    tests/browser tests/integration/knowledge >"$other" 2>&1 &
job=$!
trap 'kill "$job" 2>/dev/null; wait "$job"; exit 130' INT TERM
.venv/bin/python -m pytest --ignore=tests/browser \
    --ignore=tests/integration/knowledge
first=$?
wait "$job"
second=$?
cat "$other"
exit $((first | second))
