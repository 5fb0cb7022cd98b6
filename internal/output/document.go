package output

import "io"

// DocumentSchema is the version of the documents. It grows when a member changes its meaning or goes;
// members that are added do not change it.
const DocumentSchema = 1

// document is the envelope of what a command prints as one JSON document.
type document struct {
	Schema int    `json:"schema"`
	Kind   string `json:"kind"`
	Data   any    `json:"data"`
}

// WriteDocument writes data as a document of a kind, on one line.
func WriteDocument(w io.Writer, kind string, data any) error {
	return NewEncoder(w).Encode(document{DocumentSchema, kind, data})
}
