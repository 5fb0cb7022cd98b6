package wiring

import (
	"errors"

	"github.com/deskstream/deskstream/internal/config"
)

// RereadCredential reads what is secret in a destination's credential again where it comes from, and
// reports whether it has changed. What cannot be read stays as it is.
func RereadCredential(d config.Destination) (changed bool, err error) {
	for _, secret := range d.Credential().Secrets() {
		another, failed := secret.Reread()
		changed, err = changed || another, errors.Join(err, failed)
	}
	return changed, err
}
