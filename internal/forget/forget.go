package forget

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/config"
)

// Options say whom to forget.
type Options struct {
	Config *config.Config
	Log    *slog.Logger
	// User is the value of the person's lane: the user id, or an anonymous id. Contacts of the help
	// desks are found by it where it is an external id or an e-mail address of theirs, or
	// <destination>/contact/<id>.
	User string
	// Out gets what was removed, and what is kept. JSON makes it one document, which is written
	// after an error too.
	Out  io.Writer
	JSON bool
}

// forgetting is one run.
type forgetting struct {
	Options

	client *kgo.Client
	set    cluster.Topics
	found  cluster.Topology
	report report
}

// Run removes what is kept of the person, and reports what stays where. A run that ended with an error can
// be repeated.
func Run(ctx context.Context, o Options) error {
	client, err := cluster.Connect(ctx, o.Config, o.Log, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	defer client.Close()
	f := &forgetting{Options: o, client: client, set: cluster.TopicsOf(o.Config, o.Config.Destinations...)}
	f.set.Keys = o.Config.KeysTopicName() // whatever the rules are by now
	compacted, err := f.look(ctx)
	if err != nil {
		return err
	}
	return f.conclude(f.forget(ctx, compacted))
}

// forget removes the person's keys, events and objects, and finds out what stays. compacted is set if
// inbound.topic is.
func (f *forgetting) forget(ctx context.Context, compacted bool) (err error) {
	removed := 0
	if _, exists := f.found.Topics[f.set.Keys]; exists { // or is hidden: that is an error
		if removed, err = f.keys(ctx, f.set.Keys); err != nil {
			return err
		}
	}
	f.removed(f.set.Keys, "key", removed)
	persons := make(map[string]*person)
	for _, d := range f.Config.Destinations {
		if persons[d.Name], err = f.find(ctx, d.Name); err != nil {
			return err
		}
	}
	if compacted {
		if err := f.events(ctx, f.Config.Inbound.Topic, persons); err != nil {
			return err
		}
	}
	for _, d := range f.Config.Destinations {
		if err := f.objects(ctx, d.Name, persons[d.Name]); err != nil {
			return err
		}
	}
	f.rest(ctx)
	return nil
}

// look asks for the topics and for the rights on them, before anything is removed. compacted is set if
// inbound.topic is.
func (f *forgetting) look(ctx context.Context) (compacted bool, err error) {
	inbound := f.Config.Inbound.Topic
	objects, wanted := exported(f.Config)
	f.found, err = cluster.Find(ctx, f.client, slices.Concat(f.set.Names(), []string{f.set.States(), inbound}, objects))
	if err != nil {
		return false, err
	}
	problems := []error{f.found.Need(f.set.Keys, kmsg.ACLOperationRead, kmsg.ACLOperationWrite), usable(f.found, objects, wanted)}
	if compacted = f.there(inbound) && f.compacted(ctx, inbound); compacted {
		problems = append(problems, f.found.Need(inbound, kmsg.ACLOperationRead, kmsg.ACLOperationWrite))
	}
	return compacted, errors.Join(problems...)
}

// there reports whether a topic exists, as far as the cluster shows it.
func (f *forgetting) there(topic string) bool {
	info, exists := f.found.Topics[topic]
	return exists && !info.Denied
}

// compacted reads a topic's settings and reports whether a tombstone removes what it holds.
func (f *forgetting) compacted(ctx context.Context, topic string) bool {
	info := cluster.Describe(ctx, f.client, topic, f.found.Topics[topic], f.Log)
	f.found.Topics[topic] = info
	return slices.Contains(info.Cleanup, "compact")
}

// rest notes the topics that keep what is left of the person.
func (f *forgetting) rest(ctx context.Context) {
	objects, _ := exported(f.Config)
	for _, name := range f.set.Names() {
		info, exists := f.found.Topics[name]
		if name == f.set.Keys || !exists {
			continue
		}
		f.kept(f.set.Role(name), name, cluster.Describe(ctx, f.client, name, info, f.Log).Retention())
	}
	for _, name := range append([]string{f.Config.Inbound.Topic}, objects...) {
		if slices.Contains(f.set.Names(), name) || !f.there(name) || f.compacted(ctx, name) {
			continue
		}
		role := "objects"
		if name == f.Config.Inbound.Topic {
			role = "events of desks"
		}
		f.kept(role, name, f.found.Topics[name].Retention())
	}
}
