# Shared by Tools/bench and the files of Tools/bench.d: building, keeping results, the table.
# shellcheck shell=bash disable=SC2154 # seconds, rounds, work and results are the driver's

processes=()

# Ends what was started and removes what was written.
clean_up() {
    local status=$? process
    trap - EXIT
    for process in "${processes[@]}"; do end_process "$process"; done
    [ ! -f "$work/libvirt/virtlogd.pid" ] || end_process "$(cat "$work/libvirt/virtlogd.pid")"
    rm -rf "$work"
    exit "$status"
}

# build_for_release PRODUCT: builds a product once, and says where it is. With BENCH_PRODUCTS set, a
# directory, takes the one that was built there.
build_for_release() {
    if [ -n "${BENCH_PRODUCTS:-}" ]; then
        printf '%s/%s\n' "$BENCH_PRODUCTS" "$1"
        return 0
    fi
    local release=(--configuration release --package-path Tools/Benchmarks
        --scratch-path .build/benchmarks)
    say "Building $1 for release" >&2
    swift build "${release[@]}" --product "$1" >&2
    printf '%s/%s\n' "$(swift build "${release[@]}" --show-bin-path)" "$1"
}

# result MEASURE UNIT WHO VALUE: one round's figure, kept for the table and shown as progress.
result() {
    printf '%s\t%s\t%s\t%s\n' "$@" >>"$results"
    printf '   %-38s %-13s %10s %s\n' "$1" "$3" "$4" "$2"
}

# figure NAME FILE: a number of the last line of JSON.
figure() { python3 -c 'import json, sys
print(json.loads(open(sys.argv[2]).read().strip().splitlines()[-1])[sys.argv[1]])' "$1" "$2"; }

# The middle figures side by side, in brackets the lowest and the highest, and ours against each peer's.
print_table() {
    say "The middle of $rounds rounds [lowest to highest]; ratio: ours to the peer's"
    python3 - "$results" <<'PYTHON'
import statistics, sys
rows = {}
for line in open(sys.argv[1]):
    measure, unit, who, value = line.rstrip("\n").split("\t")
    rows.setdefault((measure, unit), {}).setdefault(who, []).append(float(value))
def text(values):
    digits = 0 if max(values) >= 1000 else 1 if max(values) >= 100 else 2
    return "%s [%s to %s]" % tuple(
        f"{value:,.{digits}f}" for value in (statistics.median(values), min(values), max(values)))
layout = "   %-34s %-9s %-12s %28s %7s"
print(layout % ("", "", "", "", "ratio"))
for (measure, unit), figures in rows.items():
    own = figures.pop("virtwire", None)
    if own: print(layout % (measure, unit, "virtwire", text(own), ""))
    for peer, theirs in figures.items():
        ratio = f"{statistics.median(own) / statistics.median(theirs):.2f}" if own else ""
        print(layout % ("", "", peer, text(theirs), ratio))
PYTHON
}

# Warns where the machine has other things to do: its figures would say so and not what we measure.
look_around() {
    [ "$(nproc)" -ge 2 ] || fail "two cores are needed, one for each end: this machine has $(nproc)"
    # A second of all CPUs: what was neither idle nor waiting, in percent of one.
    local busy
    busy=$(python3 -c '
import time
def used():
    fields = [int(field) for field in open("/proc/stat").readline().split()[1:9]]
    return sum(fields) - fields[3] - fields[4]
before = used()
time.sleep(1)
print(used() - before)')
    [ "$busy" -lt 20 ] \
        || printf '   not a quiet machine: others use %s %% of a core; do not keep these figures\n' "$busy"
}
