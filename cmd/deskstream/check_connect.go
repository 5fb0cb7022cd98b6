package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
)

// finding is one row of what check --connect found.
type finding struct {
	what, name string
	failed     bool
	text       string // what was found, or what is wrong and what to do
}

// checkConnections tries everything that the file names and prints a table of it.
func (a *app) checkConnections(ctx context.Context, cfg *config.Config, book *schemaBook) error {
	findings := a.tryKafka(ctx, cfg)
	findings = append(findings, tryRegistry(ctx, cfg, book))
	for _, d := range cfg.Destinations {
		findings = append(findings, tryAPI(ctx, d))
	}
	if err := printFindings(a.stdout, findings); err != nil {
		return err
	}
	if failed := countFailed(findings); failed > 0 {
		return fmt.Errorf("%s failed", count(failed, "check"))
	}
	return nil
}

func countFailed(findings []finding) int {
	failed := 0
	for _, f := range findings {
		if f.failed {
			failed++
		}
	}
	return failed
}

func printFindings(w io.Writer, findings []finding) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "WHAT\tNAME\tSTATE\tDETAIL")
	for _, f := range findings {
		state := "ok"
		if f.failed {
			state = "failed"
		}
		// An error can have several lines; a row cannot.
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", f.what, f.name, state, strings.Join(strings.Split(f.text, "\n"), "; "))
	}
	return table.Flush()
}

// tryKafka looks at the brokers and the topics.
func (a *app) tryKafka(ctx context.Context, cfg *config.Config) []finding {
	brokers := strings.Join(cfg.Kafka.Brokers, ",")
	cl, err := connect(ctx, cfg, a.log)
	if err != nil {
		text := err.Error()
		if _, known := errors.AsType[*refusal](err); !known {
			text += ": check kafka.brokers, tls and sasl"
		}
		return []finding{{"brokers", brokers, true, text}}
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, contactTimeout)
	defer cancel()
	set := topicSet{sources: cfg.Source.Topics, responses: cfg.Responses.Topic, deadLetters: cfg.DeadLetters.Topic}
	found, err := askForTopics(ctx, cl, set.names())
	if err == nil {
		err = checkVersions(ctx, cl, cfg.Source.GroupProtocol)
	}
	if err != nil {
		return []finding{{"brokers", brokers, true, explain(ctx, cfg.Kafka, err).Error()}}
	}
	findings := []finding{{what: "brokers", name: brokers, text: "cluster " + found.cluster}}
	findings = append(findings, a.tryTopics(ctx, cl, set, found)...)
	return append(findings, tryGroups(ctx, cl, cfg)...)
}

// tryTopics describes each topic, and says what run would refuse.
func (a *app) tryTopics(ctx context.Context, cl *kgo.Client, set topicSet, found topology) []finding {
	var findings []finding
	missing := false
	for _, name := range set.names() {
		f := finding{what: set.roleOf(name), name: name}
		info, ok := found.topics[name]
		lacking := errors.Join(set.missingRights(name, info)...)
		switch {
		case !ok:
			f.failed, f.text, missing = true, "does not exist: create it or run with --create-topics", true
		case info.denied:
			f.failed, f.text, missing = true, lacking.Error(), true
		case !info.ready:
			f.failed, f.text = true, "a partition has no leader: look at the brokers"
		default:
			info = describeTopic(ctx, cl, name, info, a.log)
			found.topics[name], f.text = info, info.String()
			if lacking != nil {
				f.failed, f.text = true, f.text+"; "+lacking.Error()
			}
		}
		findings = append(findings, f)
	}
	if missing {
		return findings
	}
	for _, problem := range checkSettings(set, found.topics) {
		findings = append(findings, finding{"topics", "-", true, problem.Error()})
	}
	return findings
}

// tryGroups looks whether each pipeline may be a member of its group.
func tryGroups(ctx context.Context, cl *kgo.Client, cfg *config.Config) []finding {
	var findings []finding
	for _, d := range cfg.Destinations {
		f := finding{what: "group", name: cfg.Group(d), text: "may be joined"}
		if err := checkGroup(ctx, cl, cfg.Source.GroupProtocol, f.name); err != nil {
			f.failed, f.text = true, err.Error()
		}
		findings = append(findings, f)
	}
	return findings
}

func (s topicSet) roleOf(name string) string {
	switch {
	case slices.Contains(s.sources, name):
		return "source"
	case name == s.responses:
		return "responses"
	}
	return "dead letters"
}

// String is the topic's shape and settings for a person.
func (t topicInfo) String() string {
	shape := count(int(t.partitions), "partition")
	if !t.described {
		return shape + ", settings not readable"
	}
	kept := "unlimited"
	if t.retention != unlimited {
		kept = t.retention.String()
	}
	return fmt.Sprintf("%s, retention %s, max.message.bytes %d, cleanup %s", shape, kept, t.maxMessageBytes, strings.Join(t.cleanup, ","))
}

// credentialChecks are the cheap calls that tell whether a credential is taken: a
// page of contacts at Trengo, the user of the key at Kustomer.
var credentialChecks = map[string]string{
	config.TypeTrengo:   "/contacts?page=1",
	config.TypeKustomer: "/v1/users/current",
}

// tryAPI makes one call with the destination's credential. Redirects are not
// followed: the credential goes to the configured host only.
func tryAPI(ctx context.Context, d config.Destination) finding {
	f := finding{what: d.Type, name: d.Name}
	client := &http.Client{
		Timeout:       d.Delivery.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(d.BaseURL(), "/")+credentialChecks[d.Type], nil)
	if err != nil {
		f.failed, f.text = true, "base_url cannot be called"
		return f
	}
	req.Header.Set("Authorization", "Bearer "+d.Credential().Reveal())
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "deskstream/"+version())
	began := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		f.failed, f.text = true, d.Credential().Redact(transportText(err))+": check base_url and the way to it"
		return f
	}
	defer resp.Body.Close()
	f.failed, f.text = apiVerdict(resp)
	f.text = d.Credential().Redact(f.text) // it quotes a header
	f.text += fmt.Sprintf(", answered in %d ms", time.Since(began).Milliseconds())
	return f
}

// transportText is why there was no answer, without the URL, which the table names.
func transportText(err error) string {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return err.Error()
}

// apiVerdict tells what an answer says about the credential, and what to do.
func apiVerdict(resp *http.Response) (failed bool, text string) {
	switch status := resp.StatusCode; {
	case status >= 200 && status < 300:
		limit := resp.Header.Get("x-ratelimit-limit")
		if limit == "" {
			return false, "credential accepted"
		}
		return false, fmt.Sprintf("credential accepted, limit %q per window", limit)
	case status == http.StatusUnauthorized:
		return true, "401: the credential is not accepted: renew it, and check that base_url is of its region"
	case status == http.StatusForbidden:
		return true, "403: the credential lacks rights: give it those on contacts or customers"
	case status == http.StatusNotFound:
		return true, "404: nothing is there: check base_url"
	case status == http.StatusTooManyRequests:
		return true, "429: the limit is used up: try again later"
	case status >= 300 && status < 400:
		return true, fmt.Sprintf("%d: a redirect: check base_url", status)
	default:
		return true, fmt.Sprintf("%d: the API has a fault or refuses the call: try again later", status)
	}
}
