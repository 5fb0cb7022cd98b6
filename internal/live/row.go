package live

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// Row is what a list shows of an outcome. It holds no body of a call.
type Row struct {
	At          time.Time
	Destination string
	Outcome     sink.Disposition
	// Code is that of a dead event, or the reason of a skipped one, and Class and Message say more of
	// the former.
	Class, Code, Message string
	Rule                 string
	// ID, Type and Name are the event's, User is its lane.
	ID, Type, Name, User string
	Round                int
	Calls, Warnings      int
}

// Decode returns the value of a record of the responses topic as JSON.
type Decode func(context.Context, *kgo.Record) ([]byte, error)

// value is what a Row needs of an outcome: the rest is passed over.
type value struct {
	Event       sink.EventInfo       `json:"event"`
	Destination sink.DestinationInfo `json:"destination"`
	Outcome     sink.Disposition     `json:"outcome"`
	Calls       []struct{}           `json:"calls"`
	Rule        string               `json:"rule"`
	Warnings    []struct{}           `json:"warnings"`
	Error       *sink.ErrorInfo      `json:"error"`
	Reason      string               `json:"reason"`
	Round       int                  `json:"round"`
	At          sink.Time            `json:"at"`
}

// maxMessage is how much of a message a row keeps, in bytes.
const maxMessage = 300

// rowOf reads an outcome. The error is that of decoding it, or a *topics.UnreadableError.
func rowOf(ctx context.Context, decode Decode, rec *kgo.Record) (Row, error) {
	text, err := decode(ctx, rec)
	if err != nil {
		return Row{}, err
	}
	var v value
	if err := json.Unmarshal(text, &v); err != nil {
		return Row{}, &topics.UnreadableError{Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset, Err: err}
	}
	row := Row{
		At: v.At.Time, Destination: v.Destination.Name, Outcome: v.Outcome, Code: v.Reason, Rule: v.Rule, Round: v.Round,
		ID: deref(v.Event.ID), Type: deref(v.Event.Type), Name: deref(v.Event.Name), User: deref(v.Event.Lane),
		Calls: len(v.Calls), Warnings: len(v.Warnings),
	}
	if e := v.Error; e != nil {
		row.Class, row.Code, row.Message = string(e.Class), string(e.Code), e.Message
		if len(row.Message) > maxMessage {
			row.Message = strings.ToValidUTF8(row.Message[:maxMessage], "") + "..."
		}
	}
	return row, nil
}

func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
