# Shared by the files of Tools/bench.d that measure libvirt's clients: the clients, and a daemon.
# shellcheck shell=bash disable=SC2154 # seconds, rounds, work and results are the driver's

# Builds ours, libvirt's C client and go-libvirt's, once.
prepare_libvirt_clients() {
    [ -z "${our_client:-}" ] || return 0
    our_client=$(build_for_release LibvirtBench)
    c_client=$work/c-bench go_client=$work/go-bench
    # shellcheck disable=SC2046 # flags, each a word
    gcc -O2 -o "$c_client" Tools/Benchmarks/Peers/c/*.c $(pkg-config --cflags --libs libvirt) -lpthread
    install_go_libvirt
    # A copy of Debian's sources with a door to the decoder, which is not for others to call.
    local path=$work/go/src/github.com
    mkdir -p "$path"
    cp -r /usr/share/gocode/src/github.com/digitalocean "$path"
    cp Tools/Benchmarks/Peers/go/inside/decode.go "$path/digitalocean/go-libvirt"
    GO111MODULE=off GOPATH=$work/go:/usr/share/gocode GOCACHE=$work/go-cache \
        go build -o "$go_client" Tools/Benchmarks/Peers/go/*.go
}

# go-libvirt serves nothing but this comparison, so Tools/setup leaves it out.
install_go_libvirt() {
    local packages=(golang-go golang-github-digitalocean-go-libvirt-dev)
    dpkg-query -W -f='${Status}\n' "${packages[@]}" 2>/dev/null | grep -qv 'ok installed' || return 0
    say "Installing: ${packages[*]}"
    apt-get update -q >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${packages[@]}" >/dev/null
}

# Starts a daemon of our own, once: its socket is $daemon_socket.
start_libvirtd() {
    [ -z "${daemon_socket:-}" ] || return 0
    daemon_socket=$work/libvirt/run/libvirt-sock
    setsid Tools/lib/private-libvirtd "$work/libvirt" >"$work/libvirtd.log" 2>&1 &
    processes+=($!)
    wait_until 30 "libvirtd" virsh -q -c "$(unix_uri test:///default "$daemon_socket")" version
}

# unix_uri DRIVER-URI SOCKET: as the C client and ours want it.
unix_uri() { printf '%s+unix:%s?socket=%s\n' "${1%%:*}" "${1#*:}" "$2"; }

# run_client WHO SOCKET DRIVER-URI ARGUMENT...: one run of a client; sets $rate, operations a second,
# and $cost, the client's microseconds of CPU for each.
run_client() {
    local who=$1 socket=$2 driver=$3 figures
    shift 3
    case $who in
        virtwire) figures=$("$our_client" "$(unix_uri "$driver" "$socket")" "$@") ;;
        "libvirt's C") figures=$("$c_client" "$(unix_uri "$driver" "$socket")" "$@") ;;
        go-libvirt) figures=$("$go_client" "$socket" "$driver" "$@") ;;
    esac
    read_figures "$figures"
}

# read_figures JSON: sets $rate and $cost from what a client prints.
read_figures() {
    # shellcheck disable=SC2034 # used by those who call
    read -r rate cost < <(python3 -c '
import json, sys
run = json.loads(sys.argv[1])
print("%.1f" % (run["operations"] / run["seconds"]),
    "%.2f" % (run["cpu_seconds"] / run["operations"] * 1e6))' "$1")
}

# thousand_domains FILE [METADATA]: writes a host for libvirt's test driver with so many domains.
thousand_domains() {
    python3 - "$1" "${2:-}" <<'PYTHON'
import sys
domain = """<domain type='test'><name>vm-{0:04d}</name>
<uuid>00000000-0000-4000-8000-{0:012x}</uuid>{1}<memory unit='MiB'>512</memory><vcpu>2</vcpu>
<os><type>hvm</type></os><devices><disk type='file' device='disk'>
<source file='/var/lib/images/vm-{0:04d}.qcow2'/><target dev='vda'/></disk>
<interface type='network'><source network='default'/><target dev='tap{0}'/></interface>
</devices></domain>"""
with open(sys.argv[1], "w") as file:
    file.write("<node>" + "".join(domain.format(number, sys.argv[2]) for number in range(1000)) + "</node>")
PYTHON
}
