// Package all lists the help desks that this program delivers to.
package all

import (
	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/desk/kustomer"
	"github.com/deskstream/deskstream/desk/trengo"
	"github.com/deskstream/deskstream/desk/webhook"
)

// Kinds returns all help desks, in the order in which people are shown them.
func Kinds() []desk.Kind {
	return []desk.Kind{trengo.Kind(), kustomer.Kind(), webhook.Kind()}
}

// Kind returns the desk with the name, and reports whether there is one.
func Kind(name string) (desk.Kind, bool) {
	for _, k := range Kinds() {
		if k.Name == name {
			return k, true
		}
	}
	return desk.Kind{}, false
}
