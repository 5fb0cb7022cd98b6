package trengo_test

import (
	"testing"

	"github.com/deskstream/deskstream/mapping/trengo"
)

func BenchmarkMap(b *testing.B) {
	b.ReportAllocs()
	ev := decode(b, `{"type":"track","userId":"user-0007","event":"E","properties":{"value":12.95,"email":"ada@example.org"},`+
		`"context":{"traits":{"name":"Ada"}}}`)
	m := newMapper(b, config(func(c *trengo.Config) {
		c.Templates = []trengo.EventTemplate{{Event: "E", Template: "{{event}} of {{properties.value}} from our store"}}
	}))
	for b.Loop() {
		if _, err := m.Map(ev); err != nil {
			b.Fatal(err)
		}
	}
}
