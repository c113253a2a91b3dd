# dpdk-testpmd as a memif peer: started, read, ended. Include after common.sh.
# shellcheck shell=bash

# start_testpmd NAME ROLE SOCKET MODE LOG [OPTION...]: starts one in the background, without huge
# pages, on two cores of which the second (client: CPU 1, server: CPU 0) forwards. Its process id is
# then in $testpmd_pid. MODE is testpmd's forward mode: rxonly, txonly, io, macswap, icmpecho.
# $testpmd_device, if set, adds to the memif device's options, $testpmd_log_level raises the log.
start_testpmd() {
    local name=$1 role=$2 socket=$3 mode=$4 log=$5 cpu=0
    shift 5
    [ "$role" = server ] || cpu=1
    # Without a terminal it prints its statistics until SIGINT ends it.
    dpdk-testpmd ${testpmd_log_level:+"--log-level=$testpmd_log_level"} --no-huge -m 512 \
        --no-pci --lcores="0@0,1@$cpu" --file-prefix="virtwire-$$-$name" \
        --vdev="net_memif0,role=$role,id=0,socket=$socket,socket-abstract=no${testpmd_device:-}" \
        -- --no-mlockall --total-num-mbufs=4096 --stats-period 1 --forward-mode="$mode" "$@" \
        </dev/null >"$log" 2>&1 &
    # shellcheck disable=SC2034 # for the caller
    testpmd_pid=$!
}

# testpmd_packets LOG rx|tx: packets so far: the greatest count in the log, for a port that has lost
# its peer counts from zero again.
testpmd_packets() {
    local field='RX-packets'
    [ "$2" = rx ] || field='TX-packets'
    grep -o "$field: *[0-9]*" "$1" | grep -o '[0-9]*$' | sort -n | tail -n 1 || echo 0
}

# testpmd_median_rate LOG rx|tx: the median of the rates of the seconds seen, packets a second, the
# first two seconds left out.
testpmd_median_rate() {
    local field='Rx-pps'
    [ "$2" = rx ] || field='Tx-pps'
    grep -o "$field: *[0-9]*" "$1" | grep -o '[0-9]*$' | tail -n +3 | sort -n \
        | awk '{rate[NR] = $1} END {print NR ? rate[int((NR + 1) / 2)] : 0}'
}
