package letters

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Plan is what is to be done about letters: the file between dlq plan and dlq apply.
// It names letters and holds digests of what would be sent, and no event and no body.
type Plan struct {
	Schema  int       `json:"schema"`
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Version string    `json:"version"` // of the program
	// Cluster, Topic and TopicID are where the letters lie.
	Cluster string `json:"cluster"`
	Topic   string `json:"topic"`
	TopicID string `json:"topic_id"`
	// Group is source.group: letters of another group are another deployment's.
	Group string `json:"group"`
	// Superseded reports whether superseded letters are sent all the same.
	Superseded bool `json:"superseded"`
	// Letters are in the order in which they are sent, those of one user in the order
	// of their source.
	Letters []Planned `json:"letters"`
	// Seal is made from all of the above.
	Seal string `json:"seal"`
}

// Planned is what is to be done about one letter.
type Planned struct {
	ID          string  `json:"id"`
	Partition   int32   `json:"partition"` // of the letter
	Offset      int64   `json:"offset"`
	Destination string  `json:"destination,omitempty"`
	Round       int     `json:"round"` // that sending it would be
	Verdict     Verdict `json:"verdict"`
	Why         string  `json:"why,omitempty"`
	// Mapped is the digest of what the event and the settings alone give, Result that of
	// what would be sent with the ids that the help desk has. A letter behind another of
	// its user has no Result, since sending that one may change what is looked up.
	Mapped string `json:"mapped,omitempty"`
	Result string `json:"result,omitempty"`
}

// Verdict is what a plan says of a letter.
type Verdict string

// The verdicts. Letters of the first three are applied.
const (
	Send   Verdict = "send"   // it would be sent
	Settle Verdict = "settle" // there is nothing to do any more, which applying records
	Behind Verdict = "behind" // what it gives is known once the letters of its user before it were sent

	StillDead   Verdict = "still_dead"  // it would die again, unsent
	Superseded  Verdict = "superseded"  // a later identify of its user was delivered
	Arrived     Verdict = "delivered"   // its event has a delivered outcome
	Applied     Verdict = "applied"     // its round has an outcome already
	TooOften    Verdict = "max_rounds"  // it died too often
	Homeless    Verdict = "destination" // no destination of the configuration is its
	OtherGroup  Verdict = "group"       // it is another deployment's
	OtherPlace  Verdict = "cluster"     // its event was read on another cluster
	Unreadable  Verdict = "unreadable"  // its headers cannot be used
	NotThere    Verdict = "no_record"   // it only names its record
	Undecidable Verdict = "undecided"   // the help desk did not answer a lookup
	Unplanned   Verdict = "unplanned"   // the plan was interrupted before it

	Discard Verdict = "discard" // it is to be discarded, whatever it is
)

// Applies reports whether an apply sends letters of the verdict.
func (v Verdict) Applies() bool { return v == Send || v == Settle || v == Behind }

// Asked reports whether a verdict is one that the help desk was asked for.
func (v Verdict) Asked() bool { return v.Applies() || v == StillDead }

const planSchema = 1

// Write seals the plan and writes it as JSON for people and programs.
func (p *Plan) Write(w io.Writer) error {
	p.Schema = planSchema
	seal, err := p.seal()
	if err != nil {
		return err
	}
	p.Seal = seal
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(p); err != nil {
		return fmt.Errorf("writing the plan: %w", err)
	}
	return nil
}

// seal is the digest of all but the seal itself. It keeps from mistakes, not from
// malice: whoever may apply plans may also make them.
//
// It is made from what a reader gets. JSON cannot have every text that a header can: bytes
// that are no UTF-8 are read as other characters than were written.
func (p *Plan) seal() (string, error) {
	open := *p
	open.Seal = ""
	text, err := json.Marshal(open)
	if err == nil {
		var read Plan
		if err = json.Unmarshal(text, &read); err == nil {
			text, err = json.Marshal(read)
		}
	}
	if err != nil {
		return "", fmt.Errorf("sealing the plan: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// ReadPlan reads a plan that Write wrote. Its error says why one cannot be used.
func ReadPlan(text []byte) (*Plan, error) {
	var head struct {
		Schema int    `json:"schema"`
		Seal   string `json:"seal"`
	}
	if err := json.Unmarshal(text, &head); err != nil || head.Seal == "" {
		return nil, errors.New("it is no plan of dlq plan")
	}
	if head.Schema != planSchema {
		return nil, fmt.Errorf("it is of schema %d, which this program does not know: plan again", head.Schema)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var p Plan
	if err := dec.Decode(&p); err != nil {
		return nil, fmt.Errorf("it was edited or cut off (%w): plan again", err)
	}
	seal, err := p.seal()
	if err != nil {
		return nil, err
	}
	if seal != p.Seal {
		return nil, errors.New("it was edited: its seal does not fit; plan again with other filters instead")
	}
	return &p, nil
}

// Count counts the plan's letters by verdict.
func (p *Plan) Count() map[Verdict]int {
	counts := map[Verdict]int{}
	for i := range p.Letters {
		counts[p.Letters[i].Verdict]++
	}
	return counts
}
