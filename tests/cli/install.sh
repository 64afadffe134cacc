#!/bin/sh
# What is installed lies under the prefix that was asked for, and the unit starts what lies there.
#
#   tests/cli/install.sh BUILD-DIRECTORY
set -eu
build=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

DESTDIR=$scratch/root cmake --install "$build" --prefix /elsewhere >"$scratch/log"
outside=$(find "$scratch/root" -type f ! -path "$scratch/root/elsewhere/*")
[ -z "$outside" ] || { echo "installed outside of the prefix: $outside" >&2 && exit 1; }
unit=$scratch/root/elsewhere/lib/systemd/system/mereaud.service
program=$(sed -n 's/^ExecStart=\([^ ]*\) .*/\1/p' "$unit")
[ "$program" = /elsewhere/bin/mereaud ] || { echo "the unit starts $program" >&2 && exit 1; }
[ -x "$scratch/root$program" ]
