package main

import (
	"io"

	"github.com/digitalocean/go-libvirt"
)

const mebibyte = 1 << 20

// zeros reads as so many of them; discard takes everything.
type zeros struct{ left uint64 }

func (source *zeros) Read(into []byte) (int, error) {
	if source.left == 0 {
		return 0, io.EOF
	}
	count := uint64(len(into))
	if count > source.left {
		count = source.left
	}
	source.left -= count
	return int(count), nil
}

type discard struct{}

func (discard) Write(bytes []byte) (int, error) { return len(bytes), nil }

// moveVolume sends zeros into a volume, or receives and forgets what is in one.
func moveVolume(connection *libvirt.Libvirt, measure string, path string) run {
	volume, err := connection.StorageVolLookupByPath(path)
	check(err)
	_, capacity, _, err := connection.StorageVolGetInfo(volume)
	check(err)
	watch := start()
	if measure == "upload" {
		err = connection.StorageVolUpload(volume, &zeros{capacity}, 0, capacity, 0)
	} else {
		err = connection.StorageVolDownload(volume, discard{}, 0, 0, 0)
	}
	check(err)
	return watch.stop(capacity / mebibyte)
}
