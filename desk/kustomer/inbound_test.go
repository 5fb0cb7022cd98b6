package kustomer_test

import (
	"flag"
	"testing"

	"github.com/deskstream/deskstream/desk/kustomer"
	"github.com/deskstream/deskstream/internal/desktest"
)

var update = flag.Bool("update", false, "write what is read into the golden files")

func TestInbound(t *testing.T) {
	desktest.Inbound{
		Inbound: kustomer.Kind().Inbound("inbox", settings("https://desk.example")), Dir: "../../mapping/kustomer/inbound/testdata", Update: *update,
	}.Run(t)
}
