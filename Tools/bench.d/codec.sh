# The codec: the bytes of the same replies, decoded in memory.
# shellcheck shell=bash disable=SC2154 # seconds, rounds, work and results are the driver's
# shellcheck source=Tools/lib/bench-libvirt.sh
. Tools/lib/bench-libvirt.sh

prepare_codec() { prepare_libvirt_clients; }

measure_codec() {
    start_libvirtd
    local round file cost
    thousand_domains "$work/domains.xml"
    mkdir -p "$work/replies"
    "$our_client" "$(unix_uri "test://$work/domains.xml" "$daemon_socket")" capture "$work/replies"
    say "Decoding replies of 1,000 domains in memory"
    for ((round = 0; round < rounds; round++)); do
        for file in list stats full-stats; do
            read_figures "$("$go_client" "${file#full-}" decode "$work/replies/$file" "$seconds")"
            result "decode $file of 1,000 domains" us/reply go-libvirt "$cost"
            read_figures "$("$our_client" decode "${file#full-}" "$work/replies/$file" "$seconds")"
            result "decode $file of 1,000 domains" us/reply virtwire "$cost"
        done
    done
}
