package processor

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// groupResource is Kafka's resource type of a consumer group's settings (KIP-848).
const groupResource kmsg.ConfigResourceType = 32

// The settings of a group of the consumer protocol that are read.
const (
	sessionSetting  = "consumer.session.timeout.ms"
	intervalSetting = "consumer.heartbeat.interval.ms"
)

// learnSession reads the session timeout that the broker has for a group of the
// consumer protocol, and the pause between two heartbeats. Reading them needs a right of its
// own: without that, or with a broker that does not know the settings, the configured ones stay.
func (p *Processor) learnSession(ctx context.Context) {
	if p.cfg.Protocol != Consumer {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	req := kmsg.NewPtrDescribeConfigsRequest()
	resource := kmsg.NewDescribeConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = groupResource, p.cfg.Group
	resource.ConfigNames = []string{sessionSetting, intervalSetting}
	req.Resources = append(req.Resources, resource)
	resp, err := req.RequestWith(ctx, p.kafka.group)
	if err == nil {
		err = p.takeSession(resp)
	}
	if err != nil {
		p.log.Warn("reading the group's session timeout failed, using the configured one", "session_timeout", p.cfg.SessionTimeout, "err", err)
	}
}

func (p *Processor) takeSession(resp *kmsg.DescribeConfigsResponse) error {
	named := false
	for _, resource := range resp.Resources {
		switch err := kerr.ErrorForCode(resource.ErrorCode); {
		case errors.Is(err, kerr.GroupAuthorizationFailed):
			return fmt.Errorf("no right to DescribeConfigs group %s: %w", p.cfg.Group, err)
		case err != nil:
			return err
		}
		for _, setting := range resource.Configs {
			if setting.Value == nil {
				continue
			}
			ms, err := strconv.Atoi(*setting.Value)
			if err != nil {
				return err
			}
			switch value := time.Duration(ms) * time.Millisecond; setting.Name {
			case intervalSetting:
				p.member.setInterval(value)
			case sessionSetting:
				p.member.setSession(value)
				p.log.Info("group's session timeout read", "session_timeout", value)
				named = true
			}
		}
	}
	if !named {
		return errors.New("the broker returned no session timeout for the group")
	}
	return nil
}

func (m *membership) setSession(session time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.session = session
}

// setInterval takes in the pause between two heartbeats. Repetitions have to come sooner, or
// they would look like heartbeats while the client repeats other requests.
func (m *membership) setInterval(interval time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.longest = min(m.longest, interval*2/3)
}
