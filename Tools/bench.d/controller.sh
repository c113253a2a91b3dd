# The controller: how soon a port stands and a link comes up, a thousand domains at once, for how long traffic
# stands still when another daemon takes over, and what the daemon takes while nothing happens but its poll. There is no peer to compare it with.
# shellcheck shell=bash disable=SC2154 # seconds, rounds, work and results are the driver's
# shellcheck source=Tools/lib/bench-libvirt.sh
. Tools/lib/bench-libvirt.sh

prepare_controller() {
    controller_client=$(build_for_release ControllerBench)
    virtwired=$(build_for_release virtwired)
}

# start_virtwired DRIVER-URI: the daemon, with nothing left of an earlier one; sets $daemon.
start_virtwired() {
    rm -rf "$work/run" "$work/state"
    # Sockets go with their domains at once: what is measured is the daemon, not its patience.
    VIRTWIRED_METRICS=$work/metrics.sock VIRTWIRED_ORPHAN_GRACE=0s \
        "$virtwired" --connect "$(unix_uri "$1" "$daemon_socket")" \
        --runtime-directory "$work/run" --state-directory "$work/state" >"$work/virtwired.log" 2>&1 &
    daemon=$!
    processes+=("$daemon")
}

# when_synced CONNECTS LOOKS: waits until the daemon has connected so often and has since looked at so many
# domains, and prints the seconds from the connection to then: up to a twentieth too many.
when_synced() {
    python3 - "$work/metrics.sock" "$@" <<'PYTHON'
import socket, sys, time
def figures():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(sys.argv[1])
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        text = b"".join(iter(lambda: client.recv(1 << 20), b"")).decode()
    # Those of single ports, which come last, are many.
    lines = [line.split() for line in text.split("# HELP virtwired_ports")[0].splitlines()]
    return {line[0][10:]: float(line[1]) for line in lines if line and line[0].startswith("virtwired_")}
connects, looks = (int(word) for word in sys.argv[2:])
start, looked, deadline = time.monotonic(), 0, time.monotonic() + 60
while time.monotonic() < deadline:
    now = time.monotonic()
    try: have = figures()
    except OSError: have = {"libvirt_connects_total": 0, "reconcile_seconds_count": 0}
    if have["libvirt_connects_total"] < connects:
        start, looked = now, have["reconcile_seconds_count"]
    elif have["reconcile_seconds_count"] >= looked + looks and have["queue_depth"] == 0:
        print("%.3f" % (time.monotonic() - start))
        sys.exit()
    time.sleep(0.05)
sys.exit("the daemon has not looked at all domains")
PYTHON
}

# cpu PID: its user and system time so far, in milliseconds.
cpu() { awk -v hz="$(getconf CLK_TCK)" '{ print int(($14 + $15) * 1000 / hz) }' "/proc/$1/stat"; }

# resident PID: what it has in memory, in KiB.
resident() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }

# private PID: what of that is its own, in KiB; the text of libraries that others run too is not.
private() { awk '/^Private_/ { sum += $2 } END { print sum }' "/proc/$1/smaps_rollup"; }

# keep_figures: reads lines of a member of the client's JSON, a unit and a measure, and keeps the figures.
keep_figures() {
    local name unit measure
    while read -r name unit measure; do
        result "$measure" "$unit" virtwire "$(figure "$name" "$work/ours.log")"
    done
}

# with_client MEASURE COUNT: runs the client beside a daemon that knows of no domain yet.
with_client() {
    start_virtwired test:///default
    when_synced 1 1 >/dev/null
    "$controller_client" "$(unix_uri test:///default "$daemon_socket")" "$work/run" "$1" "$2" \
        >"$work/ours.log" 2>"$work/client.log" || fail "$1: $(tail -n 1 "$work/client.log")"
}

# hand_overs: daemons that go on in one another's place, while a real testpmd sends as fast as it can; for how long
# its ring stands still, and for how long where nobody takes over, which is the machine's doing.
hand_overs() {
    local uri
    uri=$(unix_uri test:///default "$daemon_socket")
    rm -rf "$work/run" "$work/state"
    "$controller_client" "$uri" "$work/run" succession 100 "$virtwired" --take-over --connect "$uri" \
        --runtime-directory "$work/run" --state-directory "$work/state" \
        >"$work/ours.log" 2>"$work/client.log" || fail "succession: $(tail -n 1 "$work/client.log")"
    keep_figures <<'FIGURES'
hand_over_gap_p50 ms no frame taken at a hand-over, p50
hand_over_gap_p99 ms no frame taken at a hand-over, p99
usual_gap_p50 ms no frame taken without one, p50
usual_gap_p99 ms no frame taken without one, p99
frames_lost frames frames lost over 105 hand-overs
FIGURES
}

# thousand_ports: domains that are there before the daemon is: for the first time, at rest, once more.
thousand_ports() {
    local empty before watcher
    start_virtwired test:///default
    when_synced 1 1 >/dev/null
    empty=$(resident "$daemon")
    result "memory without domains" MiB virtwire "$(awk "BEGIN {print $empty / 1024}")"
    result "of that its own" MiB virtwire "$(awk "BEGIN {print $(private "$daemon") / 1024}")"
    end_process "$daemon"

    start_virtwired "test://$work/domains.xml"
    result "first sync of 1,000 domains" s virtwire "$(when_synced 1 1000)"
    result "CPU of the daemon, first sync" ms virtwire "$(cpu "$daemon")"
    [ "$(find "$work/run/vm" -name lan0.sock | wc -l)" -eq 1000 ] || fail "not every port stands"
    result "memory, each idle port" KiB virtwire "$(awk "BEGIN {print ($(resident "$daemon") - $empty) / 1000}")"

    before=$(cpu "$daemon")
    sleep 30
    result "CPU, 1,000 domains at rest" % virtwire \
        "$(awk "BEGIN {print ($(cpu "$daemon") - $before) / 10 / 30}")"

    before=$(cpu "$daemon")
    when_synced 2 1000 >"$work/resync.log" &
    watcher=$!
    restart_libvirtd
    wait "$watcher" || fail "$(cat "$work/resync.log")"
    result "resync of 1,000 domains" s virtwire "$(cat "$work/resync.log")"
    result "CPU of the daemon, resync" ms virtwire "$(($(cpu "$daemon") - before))"
    end_process "$daemon"
}

# restart_libvirtd: another takes the place of the one that $daemon_socket leads to.
restart_libvirtd() {
    end_process "$(cat "$work/libvirt/libvirtd.pid")" KILL
    end_process "$(cat "$work/libvirt/virtlogd.pid")"
    daemon_socket=''
    start_libvirtd
}

measure_controller() {
    local round
    start_libvirtd
    thousand_domains "$work/domains.xml" "<metadata>
        <memif:ports xmlns:memif='https://virtwire.dev/xmlns/memif/1'><memif:port name='lan0'/></memif:ports>
        </metadata>"
    say "virtwired: a domain's life, a thousand domains, and then nothing"
    for ((round = 0; round < rounds; round++)); do
        with_client latency 300
        end_process "$daemon"
        keep_figures <<'FIGURES'
define_to_socket_p50 ms a definition to its socket, p50
define_to_socket_p99 ms a definition to its socket, p99
event_to_socket_p50 ms the event of it to the socket, p50
event_to_socket_p99 ms the event of it to the socket, p99
start_event_to_link_p50 ms the event of a start to a link, p50
start_event_to_link_p99 ms the event of a start to a link, p99
link_alone_p50 ms a link by itself, p50
link_alone_p99 ms a link by itself, p99
usual_link_alone_p50 ms the same with usual rings, p50
FIGURES
        with_client storm 1000
        result "CPU of the daemon, 4,000 changes" ms virtwire "$(cpu "$daemon")"
        end_process "$daemon"
        keep_figures <<'FIGURES'
define_calls s 1,000 definitions, libvirt's calls
define_behind ms 1,000 definitions, done after the last
start_calls s 1,000 starts, libvirt's calls
start_behind ms 1,000 starts, done after the last
stop_calls s 1,000 stops, libvirt's calls
stop_behind ms 1,000 stops, done after the last
undefine_calls s 1,000 removals, libvirt's calls
undefine_behind ms 1,000 removals, done after the last
FIGURES
        hand_overs
        thousand_ports
    done
}
