package forget

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink/keys"
	"github.com/deskstream/deskstream/sink/topics"
)

// keys removes the keys of the person's tickets, and returns how many.
func (f *forgetting) keys(ctx context.Context, topic string) (int, error) {
	found, whose := make(records), keys.DigestOf(f.User)
	var reader topics.KeyReader
	err := f.read(ctx, topic, func(r *kgo.Record) {
		k, ok := reader.Parse(r)
		found.note(r, ok && k.Lane == whose, ok && k.Removed)
	})
	if err != nil {
		return 0, err
	}
	return f.remove(ctx, topic, found)
}
