package audit

// Document is an audit as programs read it.
type Document struct {
	OK          bool                `json:"ok"`
	Missing     int                 `json:"missing"`
	Conflicting int                 `json:"conflicting"`
	Doubled     int                 `json:"doubled"`
	Partitions  []DocumentPartition `json:"partitions"`
	// Findings are at most 1,000 of what is wrong.
	Findings []DocumentFinding `json:"findings"`
}

// DocumentPartition is what was found in one source partition for one destination.
type DocumentPartition struct {
	Destination string `json:"destination"`
	Group       string `json:"group"`
	Topic       string `json:"topic"`
	Partition   int32  `json:"partition"`
	From        int64  `json:"from"`
	End         int64  `json:"end"` // without it
	Delivered   int    `json:"delivered"`
	Skipped     int    `json:"skipped"`
	Dead        int    `json:"dead"`
	Duplicates  int    `json:"duplicates"`
	Reprocessed int    `json:"reprocessed"`
	Begun       int    `json:"begun"`
}

// DocumentFinding is an event whose outcomes or letters are wrong.
type DocumentFinding struct {
	Destination string `json:"destination"`
	Topic       string `json:"topic"`
	Partition   int32  `json:"partition"`
	Offset      int64  `json:"offset"`
	Round       int    `json:"round"`
	What        string `json:"what"`
}

// Document returns what was found, for programs.
func (a *Audit) Document() Document {
	d := Document{
		OK: a.OK(), Missing: a.Missing, Conflicting: a.Conflicting, Doubled: a.Doubled,
		Partitions: []DocumentPartition{}, Findings: []DocumentFinding{},
	}
	for _, p := range a.Partitions() {
		d.Partitions = append(d.Partitions, DocumentPartition{
			Destination: p.Destination, Group: p.Group, Topic: p.Topic, Partition: p.Partition, From: p.From, End: p.End,
			Delivered: p.Delivered, Skipped: p.Skipped, Dead: p.Dead, Duplicates: p.Duplicates, Reprocessed: p.Reprocessed, Begun: p.Open,
		})
	}
	for _, f := range a.Findings {
		d.Findings = append(d.Findings, DocumentFinding{f.Destination, f.Topic, f.Partition, f.Offset, f.Round, f.What})
	}
	return d
}
