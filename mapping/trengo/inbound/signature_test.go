package inbound_test

import (
	"encoding/hex"
	"errors"
	"testing"

	"github.com/deskstream/deskstream/mapping/trengo/inbound"
	"github.com/deskstream/deskstream/mapping/unified"
)

const mac = "5f0c2c1f1d3b2a4958677685949392a1b0cfdeedfc0b1a2938475665748392a1"

func TestSignature(t *testing.T) {
	of := func(value string) (unified.Signature, error) {
		return inbound.Signature(func(name string) string {
			if name != "Trengo-Signature" {
				return ""
			}
			return value
		}, nil)
	}
	s, err := of("1767323045;" + mac)
	if err != nil || s.Prefix != "1767323045." || s.At.Unix() != 1767323045 || hex.EncodeToString(s.MAC) != mac {
		t.Errorf("signature %+v, %v", s, err)
	}
	for _, value := range []string{
		"", mac, ";" + mac, "1767323045;", "1767323045," + mac, "1767323045;" + mac[2:], "1767323045;" + mac + "00", "-5;" + mac, "0;" + mac,
		"soon;" + mac, "99999999999999999999;" + mac, "1767323045;" + mac + ";", " 1767323045;" + mac, "1767323045;zz" + mac[2:],
	} {
		if s, err := of(value); !errors.Is(err, unified.ErrNoSignature) {
			t.Errorf("%q is taken as %+v, %v", value, s, err)
		}
	}
}
