# Events: a burst from a daemon made up for it, which sends as fast as it can.
# shellcheck shell=bash disable=SC2154 # seconds, rounds, work and results are the driver's
# shellcheck source=Tools/lib/bench-libvirt.sh
. Tools/lib/bench-libvirt.sh

prepare_events() { prepare_libvirt_clients; }

measure_events() {
    local count=100000 socket=$work/events.sock round who rate cost
    say "A burst of $count events, from our made-up daemon to each client"
    "$our_client" "$socket" serve-events "$count" &
    processes+=($!)
    wait_until 10 "the made-up daemon" test -S "$socket"
    for ((round = 0; round < rounds; round++)); do
        for who in "libvirt's C" go-libvirt virtwire; do
            run_client "$who" "$socket" test:///default events "$count"
            result "burst of $count events" events/s "$who" "$rate"
            result "CPU of the client, burst" us/event "$who" "$cost"
        done
    done
}
