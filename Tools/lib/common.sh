# Shared by the scripts in Tools: where the project is, how they speak, how they wait.
# shellcheck shell=bash

# shellcheck disable=SC2034 # used by the scripts that include this
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# A step of the script, said to whoever watches.
say() {
    if [ -t 1 ]; then printf '\n\033[1m== %s\033[0m\n' "$*"; else printf '\n== %s\n' "$*"; fi
}

# Ends the script with one sentence.
fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# wait_until SECONDS WHAT COMMAND...: runs the command until it succeeds, or fails naming WHAT.
wait_until() {
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || fail "waited in vain for $what"
        sleep 0.05
    done
}

# end_process PID [SIGNAL]: ends one process that the script started, and waits until it has gone.
end_process() {
    kill "-${2:-TERM}" "$1" 2>/dev/null || return 0
    for _ in $(seq 200); do
        kill -0 "$1" 2>/dev/null || return 0
        # A child of ours stays as a zombie until somebody waits for it.
        wait "$1" 2>/dev/null || true
        sleep 0.05
    done
    kill -KILL "$1" 2>/dev/null || true
}
