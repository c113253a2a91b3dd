# Calls: one at a time and many, and what brings something of a thousand domains, from the same daemon.
# shellcheck shell=bash disable=SC2154 # seconds, rounds, work and results are the driver's
# shellcheck source=Tools/lib/bench-libvirt.sh
. Tools/lib/bench-libvirt.sh

prepare_calls() {
    prepare_libvirt_clients
    our_costs=$(build_for_release LibvirtCosts)
}

# calling MEASURE NAME UNIT OPERATIONS-UNIT CONCURRENCY DRIVER-URI: a round of all three.
calling() {
    local who rate cost
    for who in "libvirt's C" go-libvirt virtwire; do
        run_client "$who" "$daemon_socket" "$6" "$1" "$5" "$seconds"
        result "$2" "$4/s" "$who" "$rate"
        result "CPU of the client, $2" "us/$3" "$who" "$cost"
    done
}

measure_calls() {
    start_libvirtd
    thousand_domains "$work/domains.xml"
    local round concurrency
    say "What a call costs on the connection's own thread"
    "$our_costs" "$(unix_uri test:///default "$daemon_socket")"
    say "Calling libvirtd over its UNIX socket: virConnectGetLibVersion, again and again"
    for ((round = 0; round < rounds; round++)); do
        for concurrency in 1 16 200; do
            calling version "$concurrency at a time" call calls "$concurrency" test:///default
        done
    done
    say "A thousand domains: their list, their statistics in one call, the XML of each in turn"
    for ((round = 0; round < rounds; round++)); do
        calling list "list of 1,000 domains" list lists 1 "test://$work/domains.xml"
        calling stats "stats of 1,000 domains" reply replies 1 "test://$work/domains.xml"
        calling xml "XML of 1,000 domains" host hosts 1 "test://$work/domains.xml"
    done
}
