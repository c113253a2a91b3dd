package main

import (
	"context"
	"errors"

	"github.com/digitalocean/go-libvirt"
)

// countEvents registers on a server that then sends a burst, and counts the events.
func countEvents(connection *libvirt.Libvirt, count uint64) run {
	events, err := connection.LifecycleEvents(context.Background())
	check(err)
	// The server takes its time before the first one.
	<-events
	watch := start()
	for counted := uint64(1); counted < count; counted++ {
		if _, ok := <-events; !ok {
			check(errors.New("the events ended early"))
		}
	}
	return watch.stop(count)
}
