#!/bin/sh
# Runs a command and prints a dot each second while it lasts. What it prints itself is shown only if it fails.
set -u

log=$(mktemp)
"$@" >"$log" 2>&1 &
command=$!
trap 'kill "$command" 2>/dev/null; rm -f "$log"; exit 130' INT TERM
while kill -0 "$command" 2>/dev/null; do
    printf .
    sleep 1
done
wait "$command"
status=$?
echo
[ "$status" -eq 0 ] || cat "$log" >&2
rm -f "$log"
exit "$status"
