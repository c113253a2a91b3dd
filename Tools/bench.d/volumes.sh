# Volumes: a gibibyte into a directory pool's volume, and out of it.
# shellcheck shell=bash disable=SC2154 # seconds, rounds, work and results are the driver's
# shellcheck source=Tools/lib/bench-libvirt.sh
. Tools/lib/bench-libvirt.sh

prepare_volumes() { prepare_libvirt_clients; }

measure_volumes() {
    start_libvirtd
    local pool=$work/pool round who way rate cost uri
    uri=$(unix_uri storage:///system "$daemon_socket")
    mkdir "$pool"
    say "A volume of 1 GiB: upload of zeros, download to nowhere"
    virsh -q -c "$uri" pool-create-as bench dir --target "$pool" >/dev/null
    virsh -q -c "$uri" vol-create-as bench disk 1GiB >/dev/null
    for ((round = 0; round < rounds; round++)); do
        for way in upload download; do
            for who in "libvirt's C" go-libvirt virtwire; do
                run_client "$who" "$daemon_socket" storage:///system "$way" "$pool/disk"
                result "$way of 1 GiB" MiB/s "$who" "$rate"
                result "CPU of the client, $way" us/MiB "$who" "$cost"
            done
        done
    done
    virsh -q -c "$uri" pool-destroy bench >/dev/null
}
