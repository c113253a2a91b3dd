# memif: dpdk-testpmd sends 64-byte frames to dpdk-testpmd, then to our master.
# shellcheck shell=bash disable=SC2154 # seconds, rounds, work and results are the driver's
# shellcheck source=Tools/lib/testpmd.sh
. Tools/lib/testpmd.sh

prepare_memif() { virtwire=$(build_for_release virtwire); }

# receiving WHO RATE LOG: packets a second, of which there must be some.
receiving() {
    [ "$2" -gt 0 ] || fail "$1 received nothing from testpmd: $(tail -n 1 "$3")"
    result "receive 64-byte frames" Mpps "$1" "$(awk -v rate="$2" 'BEGIN {printf "%.2f", rate / 1e6}')"
}

# From testpmd to testpmd.
testpmd_receives() {
    local socket=$work/testpmd.sock server
    start_testpmd server server "$socket" rxonly "$work/server.log"
    server=$testpmd_pid
    processes+=("$server")
    wait_until 30 "testpmd's socket" test -S "$socket"
    start_testpmd client client "$socket" txonly "$work/client.log"
    processes+=("$testpmd_pid")
    sleep $((seconds + 3))
    # The server first: one whose client has gone may crash.
    end_process "$server" INT
    end_process "$testpmd_pid" INT
    receiving dpdk-testpmd "$(testpmd_median_rate "$work/server.log" rx)" "$work/server.log"
}

# From testpmd to our master, on the CPU that testpmd's server had.
we_receive() {
    local socket=$work/ours.sock receiver rate
    "$virtwire" memif bench --role master --socket "$socket" --mode rx --cpu 0 \
        >"$work/ours.log" 2>&1 &
    receiver=$!
    processes+=("$receiver")
    wait_until 30 "our socket" test -S "$socket"
    start_testpmd client client "$socket" txonly "$work/client.log"
    processes+=("$testpmd_pid")
    sleep $((seconds + 3))
    end_process "$receiver"
    end_process "$testpmd_pid" INT
    # The median of the seconds, the first two left out, as with testpmd.
    rate=$(sed -n 's/.* \([0-9.]*\) Mpps .*/\1/p' "$work/ours.log" | tail -n +3 | sort -n \
        | awk '{rate[NR] = $1} END {printf "%d\n", NR ? rate[int((NR + 1) / 2)] * 1e6 : 0}')
    receiving virtwire "$rate" "$work/ours.log"
}

measure_memif() {
    say "Receiving 64-byte frames from dpdk-testpmd over memif, one queue, one core at each end"
    local round
    for ((round = 0; round < rounds; round++)); do
        testpmd_receives
        we_receive
    done
}
