package forget

import (
	"context"
	"errors"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/export"
	"github.com/deskstream/deskstream/mapping/unified"
)

// exported returns the topics of objects that may be of persons, whatever export.entities says by now, and
// those of them that the file exports to.
func exported(c *config.Config) (all, wanted []string) {
	for _, d := range c.Destinations {
		for _, e := range order() {
			name := export.Topic(c.Inbound.Topic, d.Name, e)
			if all = append(all, name); slices.Contains(d.Export.Entities, string(e)) {
				wanted = append(wanted, name)
			}
		}
	}
	return all, wanted
}

// usable returns an error that names each right that is lacking on topics of objects. A hidden topic
// that the file does not export to is taken as one that is not there.
func usable(found cluster.Topology, all, wanted []string) error {
	var problems []error
	for _, name := range all {
		switch info := found.Topics[name]; {
		case !info.Denied:
			problems = append(problems, found.Need(name, kmsg.ACLOperationRead, kmsg.ACLOperationWrite))
		case slices.Contains(wanted, name):
			problems = append(problems, cluster.MissingRight(kmsg.ACLOperationDescribe, "topic", name))
		}
	}
	return errors.Join(problems...)
}

// find looks for what export copied of the person at one desk.
func (f *forgetting) find(ctx context.Context, destination string) (*person, error) {
	p := newPerson(f.User, destination)
	for _, e := range order() {
		topic := export.Topic(f.Config.Inbound.Topic, destination, e)
		if !f.there(topic) {
			continue
		}
		found, unreadable := make(records), 0
		err := f.read(ctx, topic, func(r *kgo.Record) {
			var t traces
			if len(r.Value) > 0 && !decode(r.Value, &t) {
				unreadable++
			}
			found.note(r, p.owns(e, string(r.Key), t), len(r.Value) == 0)
			if e == unified.Contacts && t.AccountID != "" {
				p.accountOf[string(r.Key)] = t.AccountID
			}
		})
		if err != nil {
			return nil, err
		}
		f.warn(topic, unreadable)
		p.learn(e, found)
	}
	return p, nil
}

// objects removes what find has found. What others are recognised by goes last, so that a run that ended
// in the middle can be repeated.
func (f *forgetting) objects(ctx context.Context, destination string, p *person) error {
	for _, e := range slices.Backward(order()) {
		if found, ok := p.found[e]; ok {
			if err := f.removeAll(ctx, export.Topic(f.Config.Inbound.Topic, destination, e), found); err != nil {
				return err
			}
		}
	}
	return nil
}

// events removes the person's events from the topic of events if that is compacted.
func (f *forgetting) events(ctx context.Context, topic string, at map[string]*person) error {
	found, unreadable := make(records), 0
	err := f.read(ctx, topic, func(r *kgo.Record) {
		var e event
		if len(r.Value) > 0 && !decode(r.Value, &e) {
			unreadable++
		}
		p := at[e.Destination]
		found.note(r, p != nil && p.did(string(r.Key), e), len(r.Value) == 0)
	})
	if err != nil {
		return err
	}
	f.warn(topic, unreadable)
	return f.removeAll(ctx, topic, found)
}

// removeAll removes the person's records from a topic, and notes how many.
func (f *forgetting) removeAll(ctx context.Context, topic string, found records) error {
	n, err := f.remove(ctx, topic, found)
	if err == nil {
		f.removed(topic, "record", n)
	}
	return err
}

// warn tells of records that nobody can say whose they are.
func (f *forgetting) warn(topic string, unreadable int) {
	if unreadable > 0 {
		f.Log.Warn("records cannot be read and stay: look whether they are of the person", "topic", topic, "records", unreadable)
	}
}
