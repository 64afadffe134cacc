#!/bin/sh
# Runs every line of regressions.txt: seeds that broke an invariant once.
#
#   tests/sim/regressions.sh MEREAU-SIM FILE
set -u
sim=$1
bad=0
while read -r line; do
    case $line in '' | '#'*) continue ;; esac
    # shellcheck disable=SC2086 # a line is a list of arguments
    if ! "$sim" $line >/dev/null 2>&1; then
        echo "mereau-sim $line: broken again" >&2
        bad=$((bad + 1))
    fi
done <"$2"
[ "$bad" -eq 0 ] || exit 5
