// The other yardstick: what go-libvirt does in a time, and what it costs.
//
// usage: go-bench SOCKET URI version|list|stats|xml CONCURRENCY SECONDS
//
//	go-bench SOCKET URI events COUNT
//	go-bench SOCKET URI upload|download PATH
//	go-bench list|stats decode FILE SECONDS
//
// Prints one JSON object: operations, seconds, cpu_seconds.
package main

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/digitalocean/go-libvirt"
	"github.com/digitalocean/go-libvirt/socket/dialers"
)

// run is what one run did; cpuSeconds are user and system time of this process.
type run struct {
	operations          uint64
	seconds, cpuSeconds float64
}

// stopwatch knows when it began, by the clock and by this process's CPUs.
type stopwatch struct {
	started time.Time
	spent   float64
}

func start() stopwatch { return stopwatch{time.Now(), cpuSeconds()} }

func (watch stopwatch) stop(operations uint64) run {
	return run{operations, time.Since(watch.started).Seconds(), cpuSeconds() - watch.spent}
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	seconds := func(time syscall.Timeval) float64 {
		return float64(time.Sec) + float64(time.Usec)*1e-6
	}
	return seconds(usage.Utime) + seconds(usage.Stime)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "go-bench:", err)
		os.Exit(1)
	}
}

func number(text string) uint64 {
	number, err := strconv.ParseUint(text, 10, 64)
	check(err)
	return number
}

func connect(socket string, uri string) *libvirt.Libvirt {
	connection := libvirt.NewWithDialer(dialers.NewLocal(dialers.WithSocket(socket)))
	check(connection.ConnectToURI(libvirt.ConnectURI(uri)))
	return connection
}

func measure(arguments []string) run {
	switch arguments[2] {
	case "events":
		return countEvents(connect(arguments[0], arguments[1]), number(arguments[3]))
	case "upload", "download":
		return moveVolume(connect(arguments[0], arguments[1]), arguments[2], arguments[3])
	}
	if arguments[1] == "decode" {
		return decodeAgainAndAgain(arguments[0], arguments[2], number(arguments[3]))
	}
	return callAgainAndAgain(
		connect(arguments[0], arguments[1]), arguments[2], number(arguments[3]),
		number(arguments[4]))
}

func main() {
	if len(os.Args) < 5 {
		fmt.Fprintln(os.Stderr, "usage: go-bench SOCKET URI MEASURE ARGUMENT [SECONDS]")
		os.Exit(2)
	}
	run := measure(os.Args[1:])
	fmt.Printf("{\"operations\":%d,\"seconds\":%.4f,\"cpu_seconds\":%.4f}\n",
		run.operations, run.seconds, run.cpuSeconds)
}
