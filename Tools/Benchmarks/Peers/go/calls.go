package main

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/digitalocean/go-libvirt"
)

// operations are what is called again and again; xml asks for every domain's in turn.
func operation(connection *libvirt.Libvirt, measure string) func() {
	switch measure {
	case "list":
		return func() {
			_, _, err := connection.ConnectListAllDomains(1, 0)
			check(err)
		}
	case "stats":
		return func() {
			_, err := connection.ConnectGetAllDomainStats(nil, 0, 0)
			check(err)
		}
	case "xml":
		domains, _, err := connection.ConnectListAllDomains(1, 0)
		check(err)
		return func() {
			for _, domain := range domains {
				_, err := connection.DomainGetXMLDesc(domain, 0)
				check(err)
			}
		}
	}
	return func() {
		_, err := connection.ConnectGetLibVersion()
		check(err)
	}
}

func callAgainAndAgain(
	connection *libvirt.Libvirt, measure string, concurrency uint64, seconds uint64,
) run {
	operation := operation(connection, measure)
	var operations uint64
	var group sync.WaitGroup
	watch := start()
	end := watch.started.Add(time.Duration(seconds) * time.Second)
	for i := uint64(0); i < concurrency; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			made := uint64(0)
			for time.Now().Before(end) {
				operation()
				made++
			}
			atomic.AddUint64(&operations, made)
		}()
	}
	group.Wait()
	return watch.stop(operations)
}
