# memif: frames between two cores, one queue, one process at each end. dpdk-testpmd with itself, ours with
# testpmd in both roles, ours with ours; and beside them what memcpy does between the same cores, in
# turn with the others: what copying alone allows, but for the machine's moods. Twelve shapes take a
# minute or two each: $memif_sizes and $memif_bursts, if set, choose among them.
# shellcheck shell=bash disable=SC2154 # seconds, rounds, work and results are the driver's
# shellcheck source=Tools/lib/testpmd.sh
. Tools/lib/testpmd.sh

prepare_memif() { rates=$(build_for_release MemifRates); }

# keep MEASURE WHO RATE LOG: packets a second, of which there must be some.
keep() {
    [ "${3:-0}" -gt 0 ] || fail "$1, $2: nothing passed: $(tail -n 1 "$4")"
    result "$1" Mpps "$2" "$(awk -v rate="$3" 'BEGIN {printf "%.3f", rate / 1e6}')"
}

# testpmd_frames SIZE BURST: what testpmd is told so that it sends such frames.
testpmd_frames() {
    frames=("--mbuf-size=9344" "--txpkts=$1" "--burst=$2")
    testpmd_device=$([ "$1" -le 2048 ] || printf ',bsize=9216')
}

# testpmd_alone SHAPE DIRECTION SIZE BURST: from testpmd to testpmd, which everything is compared with.
testpmd_alone() {
    local socket=$work/testpmd.sock server client sends=txonly receives=rxonly log=server rate what
    testpmd_frames "$3" "$4"
    [ "$2" = up ] || { sends=rxonly receives=txonly log=client; }
    start_testpmd server server "$socket" "$receives" "$work/server.log" "${frames[@]}"
    server=$testpmd_pid
    wait_until 30 "testpmd's socket" test -S "$socket"
    start_testpmd client client "$socket" "$sends" "$work/client.log" "${frames[@]}"
    client=$testpmd_pid
    processes+=("$server" "$client")
    sleep $((seconds + 3))
    # The server first: one whose client has gone may crash.
    end_process "$server" INT
    end_process "$client" INT
    rm -f "$socket"
    rate=$(testpmd_median_rate "$work/$log.log" rx)
    for what in "both ends" "we receive" "we send"; do
        keep "$1 $2, $what" testpmd "$rate" "$work/$log.log"
    done
}

# with_testpmd MEASURE ROLE rx|tx SIZE BURST: between our end, in this role, and testpmd.
with_testpmd() {
    local socket=$work/ours.sock ours theirs=txonly
    testpmd_frames "$4" "$5"
    [ "$3" = rx ] || theirs=rxonly
    if [ "$2" = master ]; then
        "$rates" master "$socket" "$3" "$4" "$5" "$seconds" >"$work/ours.log" 2>&1 &
        ours=$!
        wait_until 30 "our socket" test -S "$socket"
        start_testpmd client client "$socket" "$theirs" "$work/peer.log" "${frames[@]}"
    else
        start_testpmd server server "$socket" "$theirs" "$work/peer.log" "${frames[@]}"
        wait_until 30 "testpmd's socket" test -S "$socket"
        "$rates" slave "$socket" "$3" "$4" "$5" "$seconds" >"$work/ours.log" 2>&1 &
        ours=$!
    fi
    processes+=("$ours" "$testpmd_pid")
    wait "$ours" || fail "$1: $(tail -n 1 "$work/ours.log")"
    end_process "$testpmd_pid" INT
    rm -f "$socket"
    keep "$1" virtwire "$(figure packets_per_second "$work/ours.log")" "$work/ours.log"
}

# alone SIZE BURST: both ends ours, both directions, copying and in place.
alone() {
    local way line direction
    for way in copy place; do
        "$rates" ours "$1" "$2" "$seconds" "$way" >"$work/ours.log"
        while read -r line; do
            direction=up
            [[ $line != *'"master to slave"'* ]] || direction=down
            printf '%s\n' "$line" >"$work/line.log"
            if [ "$way" = copy ]; then
                keep "$1 B by $2 $direction, both ends" virtwire \
                    "$(figure packets_per_second "$work/line.log")" "$work/line.log"
            else
                keep "$1 B by $2 $direction, in place" virtwire \
                    "$(figure packets_per_second "$work/line.log")" "$work/line.log"
            fi
        done <"$work/ours.log"
    done
}

# one_shape SIZE BURST: every pairing with frames of a size in bursts of a length; up is from slave to
# master.
one_shape() {
    local shape="$1 B by $2"
    testpmd_alone "$shape" up "$1" "$2"
    testpmd_alone "$shape" down "$1" "$2"
    alone "$1" "$2"
    with_testpmd "$shape up, we receive" master rx "$1" "$2"
    with_testpmd "$shape up, we send" slave tx "$1" "$2"
    with_testpmd "$shape down, we receive" slave rx "$1" "$2"
    with_testpmd "$shape down, we send" master tx "$1" "$2"
    "$rates" copies "$1" "$2" "$seconds" >"$work/ours.log"
    keep "$shape up, both ends" memcpy "$(figure packets_per_second "$work/ours.log")" "$work/ours.log"
}

# many_links: a thousand on one control thread, and one more that works beside them.
many_links() {
    "$rates" links 1000 "$seconds" >"$work/ours.log"
    result "a thousand links, set up" links/s virtwire "$(figure links_per_second "$work/ours.log")"
    result "a thousand links, memory of each" bytes virtwire \
        "$(figure own_bytes_per_link "$work/ours.log")"
    result "a thousand links, shared by each" bytes virtwire \
        "$(figure region_bytes_per_link "$work/ours.log")"
    result "a thousand idle links" "% CPU" virtwire "$(figure idle_cpu_percent "$work/ours.log")"
    keep "one link, none beside it" virtwire \
        "$(figure packets_per_second_alone "$work/ours.log")" "$work/ours.log"
    keep "one link, a thousand idle beside it" virtwire \
        "$(figure packets_per_second_beside "$work/ours.log")" "$work/ours.log"
}

measure_memif() {
    local round mode share size burst
    say "What a burst does beyond its frames"
    "$rates" costs
    say "Frames over memif, one queue, one core at each end"
    for ((round = 0; round < rounds; round++)); do
        for size in ${memif_sizes:-64 512 1500 9000}; do
            for burst in ${memif_bursts:-1 32 256}; do one_shape "$size" "$burst"; done
        done
        for mode in polling adaptive interrupt; do
            "$rates" trips "$mode" "$seconds" >"$work/ours.log"
            for share in p50 p99 p99.9; do
                result "round trip, $mode, $share" us virtwire "$(figure "$share" "$work/ours.log")"
            done
        done
        many_links
    done
}
