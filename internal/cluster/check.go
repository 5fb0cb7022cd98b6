package cluster

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/config"
)

// Finding is one result of a check.
type Finding struct {
	What    string `json:"what"`
	Name    string `json:"name"`
	Failed  bool   `json:"failed"`
	Warning bool   `json:"warning"` // not failed, but somebody has to do something
	Text    string `json:"detail"`  // what was found, or what is wrong and what to do
}

// Check tries the brokers, the topics and the groups of a configuration.
func Check(ctx context.Context, cfg *config.Config, log *slog.Logger) []Finding {
	brokers := strings.Join(cfg.Kafka.Brokers, ",")
	cl, err := Connect(ctx, cfg, log)
	if err != nil {
		text := err.Error()
		if _, known := errors.AsType[*RefusedError](err); !known {
			text += ": check kafka.brokers, tls and sasl"
		}
		return []Finding{{What: "brokers", Name: brokers, Failed: true, Text: text}}
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, ContactTimeout)
	defer cancel()
	set := TopicsOf(cfg, cfg.Destinations...)
	found, err := Find(ctx, cl, set.Names())
	if err == nil {
		err = CheckVersions(ctx, cl, cfg.Source.GroupProtocol)
	}
	if err != nil {
		return []Finding{{What: "brokers", Name: brokers, Failed: true, Text: Explain(ctx, cfg.Kafka, err).Error()}}
	}
	findings := []Finding{{What: "brokers", Name: brokers, Text: "cluster " + found.ID}}
	findings = append(findings, checkTopics(ctx, cl, set, found, log)...)
	if text := found.Topics[set.Responses].tooShortFor(cfg.Source.Dedup); text != "" {
		findings = append(findings, Finding{What: "dedup", Name: set.Responses, Warning: true, Text: text})
	}
	if missing, err := MissesStates(ctx, cl, set); err == nil && missing {
		findings = append(findings, Finding{What: "letter states", Name: set.States(), Warning: true, Text: "does not exist: " + CreateStates})
	}
	findings = append(findings, checkInbound(ctx, cl, cfg, log)...)
	return append(findings, checkGroups(ctx, cl, cfg)...)
}

// checkTopics describes each topic and returns what would keep run from starting.
func checkTopics(ctx context.Context, cl *kgo.Client, set Topics, found Topology, log *slog.Logger) []Finding {
	var findings []Finding
	missing := false
	for _, name := range set.Names() {
		f := Finding{What: set.Role(name), Name: name}
		info, ok := found.Topics[name]
		lacking := errors.Join(set.MissingRights(name, info)...)
		switch {
		case !ok:
			f.Failed, f.Text, missing = true, "does not exist: create it or run with --create-topics", true
		case info.Denied:
			f.Failed, f.Text, missing = true, lacking.Error(), true
		case !info.Ready:
			f.Failed, f.Text = true, "a partition has no leader: look at the brokers"
		default:
			info = Describe(ctx, cl, name, info, log)
			found.Topics[name], f.Text = info, info.String()
			if lacking != nil {
				f.Failed, f.Text = true, f.Text+"; "+lacking.Error()
			}
		}
		findings = append(findings, f)
	}
	if missing {
		return findings
	}
	for _, problem := range CheckSettings(set, found.Topics) {
		findings = append(findings, Finding{What: "topics", Name: "-", Failed: true, Text: problem.Error()})
	}
	return findings
}

// checkGroups checks that each pipeline may join its group.
func checkGroups(ctx context.Context, cl *kgo.Client, cfg *config.Config) []Finding {
	var findings []Finding
	for _, d := range cfg.Destinations {
		f := Finding{What: "group", Name: cfg.Group(d), Text: "may be joined"}
		if err := CheckGroup(ctx, cl, cfg.Source.GroupProtocol, f.Name); err != nil {
			f.Failed, f.Text = true, err.Error()
		}
		findings = append(findings, f)
	}
	return findings
}
