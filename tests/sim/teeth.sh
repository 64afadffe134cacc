#!/bin/sh
# Switches off one rule after the other and expects the simulator to notice each.
#
#   tests/sim/teeth.sh MEREAU-SIM [SEEDS]     SEEDS of each profile are tried for a rule; 400
#
# One line a rule: the invariant that broke, and the command that shows it. Exits 5 if a rule was
# not missed.
set -u
sim=$1
seeds=${2-400}
missed=0

# try RULE ARGUMENT... : whether an invariant breaks
try() {
    rule=$1
    shift
    out=$("$sim" --seeds "1..$seeds" --without "$rule" "$@" 2>&1)
    [ $? -eq 5 ] || return 1
    printf '%-20s %s\n%20s %s\n' "$rule" \
        "$(printf '%s\n' "$out" | sed -nE 's/.*violated ([A-Z0-9-]+: .*)/\1/p' | head -1)" '' \
        "$(printf '%s\n' "$out" | sed -nE 's/ *repeat: (.*)/\1/p' | head -1)"
}

for rule in $("$sim" --rules); do
    case $rule in
    # Only who lies to two halves of a federation at once has to fear what they tell each other.
    say_seen)
        try "$rule" --profile partition --beyond && continue
        try "$rule" --profile calm --beyond && continue
        try "$rule" --profile calm --nodes 5 --beyond && continue
        ;;
    # Nothing false comes of it: no checkpoint does.
    rest) try "$rule" --profile busy --steps 60000 && continue ;;
    # Who forgets, or is behind, is met where disks fail.
    hear_first | abstain | payee_known) try "$rule" --profile disk --safety && continue ;;
    # Whose desk steals is met where people lie.
    own_space) try "$rule" --profile byzantine --safety && continue ;;
    # With three nodes nearly all that a CUT settles had its votes.
    cut_certified) try "$rule" --profile reconfigure --safety && continue ;;
    # How an epoch ends, where epochs end.
    seal_* | cut_* | final_* | next_* | compare_root)
        try "$rule" --profile reconfigure --nodes 3 --safety && continue
        try "$rule" --profile reconfigure --safety && continue
        ;;
    *)
        try "$rule" --profile storm --safety && continue
        try "$rule" --profile byzantine --safety && continue
        ;;
    esac
    printf '%-20s NOT MISSED in %d seeds of each profile\n' "$rule" "$seeds"
    missed=$((missed + 1))
done
[ "$missed" -eq 0 ] || exit 5
