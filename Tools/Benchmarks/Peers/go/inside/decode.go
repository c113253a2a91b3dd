// This file goes into a copy of go-libvirt's own package: its decoder is not for others to call.
package libvirt

import (
	"bytes"

	xdr "github.com/digitalocean/go-libvirt/internal/go-xdr/xdr2"
)

func decoder(payload []byte) *xdr.Decoder {
	types := map[string]xdr.TypeDecoder{"libvirt.TypedParam": typedParamDecoder{}}
	return xdr.NewDecoderCustomTypes(bytes.NewReader(payload), 0, types)
}

// DecodeDomains decodes a reply to ConnectListAllDomains as that does.
func DecodeDomains(payload []byte) (domains []Domain, count uint32, err error) {
	decoder := decoder(payload)
	if _, err = decoder.Decode(&domains); err == nil {
		_, err = decoder.Decode(&count)
	}
	return
}

// DecodeStats decodes a reply to ConnectGetAllDomainStats as that does.
func DecodeStats(payload []byte) (records []DomainStatsRecord, err error) {
	_, err = decoder(payload).Decode(&records)
	return
}
