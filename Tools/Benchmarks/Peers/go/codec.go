package main

import (
	"errors"
	"os"
	"time"

	"github.com/digitalocean/go-libvirt"
)

// decodeAgainAndAgain decodes the payload of a reply that somebody has captured in a file.
func decodeAgainAndAgain(what string, file string, seconds uint64) run {
	payload, err := os.ReadFile(file)
	check(err)
	operation := func() {
		records, err := libvirt.DecodeStats(payload)
		check(err)
		if len(records) == 0 {
			check(errors.New("no records"))
		}
	}
	if what == "list" {
		operation = func() {
			domains, _, err := libvirt.DecodeDomains(payload)
			check(err)
			if len(domains) == 0 {
				check(errors.New("no domains"))
			}
		}
	}
	watch := start()
	end := watch.started.Add(time.Duration(seconds) * time.Second)
	operations := uint64(0)
	for time.Now().Before(end) {
		operation()
		operations++
	}
	return watch.stop(operations)
}
