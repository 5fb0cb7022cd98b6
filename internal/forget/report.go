package forget

import (
	"fmt"
	"text/tabwriter"

	"github.com/deskstream/deskstream/internal/output"
)

// report is what a run has done, as the document has it.
type report struct {
	// Complete is false where an error ended the run: what is left is not known then.
	Complete bool           `json:"complete"`
	Removed  []removedFrom  `json:"removed"`
	Kept     []keptUntilEnd `json:"kept"`
}

// removedFrom is how many of the person's records a topic has lost.
type removedFrom struct {
	Topic   string `json:"topic"`
	Records int    `json:"records"`
}

// keptUntilEnd is a topic that keeps what is of the person until its retention ends.
type keptUntilEnd struct {
	Role      string `json:"role"`
	Topic     string `json:"topic"`
	Retention string `json:"retention"`
}

// removed notes how many records were removed from a topic, which calls one what.
func (f *forgetting) removed(topic, what string, n int) {
	f.report.Removed = append(f.report.Removed, removedFrom{topic, n})
	if !f.JSON {
		output.Printf(f.Out, "%s removed from %s\n", output.Count(n, what), topic)
	}
}

// kept notes a topic that keeps the rest.
func (f *forgetting) kept(role, topic, retention string) {
	f.report.Kept = append(f.report.Kept, keptUntilEnd{role, topic, retention})
}

// conclude prints what is left to print of a run that ended with err, and returns err.
func (f *forgetting) conclude(err error) error {
	switch {
	case f.JSON:
		f.report.Complete = err == nil
		f.report.Removed = append([]removedFrom{}, f.report.Removed...) // a list, also without entries
		f.report.Kept = append([]keptUntilEnd{}, f.report.Kept...)
		if wrong := output.WriteDocument(f.Out, "forget", f.report); err == nil {
			err = wrong
		}
		return err
	case err != nil:
		return err
	}
	fmt.Fprint(f.Out, "\nkept until retention ends:\n")
	table := tabwriter.NewWriter(f.Out, 0, 0, 2, ' ', 0)
	for _, k := range f.report.Kept {
		output.Printf(table, "%s\t%s\tretention %s\n", k.Role, k.Topic, k.Retention)
	}
	return table.Flush()
}
