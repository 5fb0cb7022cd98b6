package avro

import (
	"syscall"
	"testing"

	"github.com/deskstream/deskstream/mapping"
)

// BenchmarkEvent measures one event as goavro reads it, our walk before that and our
// conversion after it, and the event in JSON for comparison. The event's properties
// and traits are maps and records; held as JSON in strings, reading them is the
// conversion's part and costs what reading JSON does.
func BenchmarkEvent(b *testing.B) {
	s, err := Parse(eventSchema)
	if err != nil {
		b.Fatal(err)
	}
	v, err := mapping.ParseObject([]byte(eventJSON))
	if err != nil {
		b.Fatal(err)
	}
	data, err := s.Append(nil, v)
	if err != nil {
		b.Fatal(err)
	}
	native, err := s.native(data)
	if err != nil {
		b.Fatal(err)
	}
	run := func(name string, op func() error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			began := processorTime(b)
			for b.Loop() {
				if err := op(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(processorTime(b)-began)/float64(b.N), "cpu-ns/op")
		})
	}
	run("goavro", func() error { _, _, err := s.codec.NativeFromBinary(data); return err })
	run("convert", func() error { _, err := s.event(native, mapping.Pointer{}); return err })
	run("walk", func() error {
		if f := s.check(data); f != nil {
			return f.error()
		}
		return nil
	})
	run("whole", func() error { _, err := s.Decode(data, mapping.Pointer{}); return err })
	r, err := mapping.NewReader(mapping.Layout{Lane: []string{"userId"}})
	if err != nil {
		b.Fatal(err)
	}
	run("lane", func() error { r.Lane(s, data, nil); return nil })
	run("json", func() error { _, err := mapping.ParseObject([]byte(eventJSON)); return err })
}

// processorTime is what the process has used, which another process at work does not
// change as it does the time on the clock.
func processorTime(b *testing.B) int64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return used.Utime.Nano() + used.Stime.Nano()
}
