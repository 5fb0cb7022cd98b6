package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/journal"
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
	if f.filter.Since, err = letters.ParseTime(f.since, time.Now()); err != nil {
		return fmt.Errorf("--since: %w", err)
	}
	if f.filter.Until, err = letters.ParseTime(f.until, time.Now()); err != nil {
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

// openLetters opens the dead letters of a configuration file, and returns what picks those that the flags
// ask for. The caller closes the journal.
func (a *app) openLetters(ctx context.Context, path, topic string, filter *filterFlags) (*journal.Journal, letters.Picker, error) {
	cfg, err := a.loadConfig(path)
	if err != nil {
		return nil, letters.Picker{}, err
	}
	picker, err := filter.read()
	if err != nil {
		return nil, letters.Picker{}, err
	}
	wanted, err := journal.WantedBy(cfg, &filter.filter)
	if err != nil {
		return nil, letters.Picker{}, err
	}
	box, err := journal.Open(ctx, a.journalOptions(cfg, topic))
	if err != nil {
		return nil, letters.Picker{}, err
	}
	box.Wanted = wanted
	return box, picker, nil
}
