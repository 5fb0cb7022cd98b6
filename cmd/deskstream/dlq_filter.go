package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/letters"
)

// filterFlags are the flags that pick letters.
type filterFlags struct {
	cmd          *cobra.Command
	every        *bool // nil: without a filter all are meant
	filter       letters.Filter
	offsets      []string
	since, until string
}

func addFilterFlags(cmd *cobra.Command) *filterFlags {
	f := &filterFlags{cmd: cmd}
	flags := cmd.Flags()
	flags.StringSliceVar(&f.filter.IDs, "id", nil, "letters with this `id`, or with ids that begin so (repeatable)")
	flags.StringSliceVar(&f.filter.Fingerprints, "fingerprint", nil, "letters of this `cause`, as dlq list shows it (repeatable)")
	flags.StringSliceVar(&f.filter.Destinations, "destination", nil, "letters of this destination (repeatable)")
	flags.StringSliceVar(&f.filter.Classes, "class", nil, "letters of this class: invalid, rejected, exhausted, expired, unknown (repeatable)")
	flags.StringSliceVar(&f.filter.Codes, "code", nil, "letters with this error code, or another program's exception (repeatable)")
	flags.IntSliceVar(&f.filter.Statuses, "status", nil, "letters with this HTTP `status` (repeatable)")
	flags.StringSliceVar(&f.filter.Types, "type", nil, "letters of events of this type (repeatable)")
	flags.StringSliceVar(&f.filter.Users, "user", nil, "letters of this user: the value of the lane (repeatable)")
	flags.StringSliceVar(&f.filter.Dialects, "dialect", nil, "letters whose headers follow this convention: deskstream, connect, spring, ... (repeatable)")
	flags.StringVar(&f.since, "since", "", "letters written since this `time`: 2h ago, or RFC 3339; of Connect and Kafka Streams, whose letters keep the event's timestamp, that of the event")
	flags.StringVar(&f.until, "until", "", "letters written before this `time`: as --since")
	flags.IntSliceVar(&f.filter.Partitions, "partition", nil, "letters of events from this source `partition` (repeatable)")
	flags.StringSliceVar(&f.offsets, "offset", nil, "letters of events from this source `offset` or range, such as 118-200 (repeatable)")
	return f
}

// names are those of the flags.
func (f *filterFlags) names() []string {
	return []string{
		"id", "fingerprint", "destination", "class", "code", "status", "type", "user", "dialect",
		"since", "until", "partition", "offset",
	}
}

// orEvery adds --every to a command that changes something: without a filter it refuses to run.
func (f *filterFlags) orEvery() *filterFlags {
	f.every = f.cmd.Flags().Bool("every", false, "all open letters, where no filter is given")
	return f
}

// given are the flags of f that were given.
func (f *filterFlags) given() []string {
	return slices.DeleteFunc(append(f.names(), "every"), func(name string) bool { return !f.cmd.Flags().Changed(name) })
}

// read gives what picks the letters that the flags ask for.
func (f *filterFlags) read() (letters.Picker, error) {
	if err := f.parse(); err != nil {
		return letters.Picker{}, &config.FlagError{Err: err}
	}
	picker, err := f.filter.Compile()
	empty := errors.Is(err, letters.ErrEmptyFilter)
	switch {
	case f.every == nil && empty:
		return letters.Every(), nil
	case f.every != nil && *f.every && !empty:
		return letters.Picker{}, &config.FlagError{Err: errors.New("--every does not go with a filter")}
	case f.every != nil && *f.every:
		return letters.Every(), nil
	case empty:
		return letters.Picker{}, &config.FlagError{Err: errors.New("no filter says which letters are meant: give one, such as --code http_422 (dlq list shows what there is), or --every for all open letters")}
	}
	return picker, err
}

// parse completes the filter. A value that is empty, as a variable of a script may be, is
// refused: it would ask for nothing.
func (f *filterFlags) parse() (err error) {
	for _, name := range f.given() {
		value := f.cmd.Flags().Lookup(name).Value
		list, isList := value.(interface{ GetSlice() []string })
		if !isList && value.String() == "" || isList && (len(list.GetSlice()) == 0 || slices.Contains(list.GetSlice(), "")) {
			return fmt.Errorf("--%s has an empty value: give one, or leave the flag out", name)
		}
	}
	if f.filter.Since, err = moment(f.since, time.Now()); err != nil {
		return fmt.Errorf("--since: %w", err)
	}
	if f.filter.Until, err = moment(f.until, time.Now()); err != nil {
		return fmt.Errorf("--until: %w", err)
	}
	f.filter.Offsets = nil
	for _, text := range f.offsets {
		r, err := letters.ParseRange(text)
		if err != nil {
			return fmt.Errorf("--offset: %w", err)
		}
		f.filter.Offsets = append(f.filter.Offsets, r)
	}
	return nil
}

// moment reads a time, or a duration before now; "" is the zero time.
func moment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no duration such as 2h and no time such as 2026-01-02T15:04:05Z", text)
}
