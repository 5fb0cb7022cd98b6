package unified

import "github.com/deskstream/deskstream/mapping"

// types reads the type of an event, as it would a lane.
var types = func() *mapping.Reader {
	r, err := mapping.NewReader(mapping.Layout{Lane: []string{"type"}, NoIDs: mapping.NoIDs{}})
	if err != nil {
		panic(err) // it has neither other names nor a place
	}
	return r
}()

// Is reports whether a line of events is one of a help desk, by its type.
func Is(line []byte) bool { return IsType(types.Lane(mapping.JSON, line, nil)) }
