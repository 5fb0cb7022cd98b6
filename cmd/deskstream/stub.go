package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/desk/all"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/stub"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

func newStubCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "stub",
		Short: "Serves stub help desks",
		Long: `stub serves help desks that answer as their vendors' documents say, and a webhook, for
local stacks and load tests. Everything is kept in memory. What the help desks
received is shown as NDJSON at /_stub/received, and the tickets that they made, as
they were sent, at /_stub/tickets; /_stub/stats counts it, POST to /_stub/reset
forgets it, and POST to /_stub/outage?destination=trengo&status=503 puts one out of
order until the same with status=0. With gateway=404-page instead a gateway in front
of it answers, until gateway=none; gateway= lists the others.

Webhooks are sent, signed, to what is registered by the desks' own calls; GET
/_stub/webhooks shows them, POST sends one. --repeated-webhooks and --late-webhooks
make them come twice, and out of order.

--lost-answers, --late-answers, --late-effects, --list-lag, --clock-offset and
--null-subjects hide from a client what took effect, at all help desks from the start;
POST to /_stub/quirks?destination=trengo&lost_answers=0.1 changes them for one.`,
		Example: `  deskstream stub --listen 127.0.0.1:9500 --latency 20ms
  deskstream stub --fail-rate 0.01 --seed 7 --limit 1000 --token "$TRENGO_API_TOKEN"`,
		Args: cobra.NoArgs,
	}
	var cfg stub.Config
	quirkFlags(cmd, &cfg.Quirks)
	listen := cmd.Flags().String("listen", "127.0.0.1:9500", "the `address` to serve at; port 0 is a free one")
	stubFlags(cmd, &cfg)
	cmd.Flags().DurationVar(&cfg.Jitter, "jitter", 0, "the most that is added to the latency of a call, by its hash")
	cmd.Flags().DurationVar(&cfg.Silence, "silence", 2*time.Second, "how long a failing call without an answer is held")
	cmd.Flags().IntVar(&cfg.Limit, "limit", 60000, "calls in a window: of each Trengo token, of all Kustomer tokens together")
	cmd.Flags().DurationVar(&cfg.Window, "window", time.Minute, "the length of that window")
	cmd.Flags().BoolVar(&cfg.Sliding, "sliding", false, "count in the window that ends now instead of fixed ones")
	cmd.Flags().StringArrayVar(&cfg.Tokens, "token", nil, "a token to accept; repeatable (default: every token)")
	cmd.Flags().StringToInt64Var(&cfg.Users, "user", nil, "a Trengo user as `token=ID` whose calls with that token are accepted; repeatable (default: user 7)")
	cmd.Flags().Lookup("user").DefValue = "" // an empty map would be shown as a default
	channels := cmd.Flags().StringToString("channel", stubtrengo.DefaultChannels,
		"a Trengo channel as `id=TYPE` (EMAIL, WA_BUSINESS, SMS, VOIP); repeatable")
	cmd.Flags().BoolVar(&cfg.KeepBodies, "keep-bodies", false, "show the bodies of the calls received too")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := errors.Join(cfg.Validate(), stubtrengo.CheckChannels(*channels)); err != nil {
			return &config.FlagError{Err: err}
		}
		return a.serveStub(cmd.Context(), *listen, stub.New(cfg, stubs(*channels)...))
	}
	return cmd
}

// quirkFlags are the flags of what hides an effect.
func quirkFlags(cmd *cobra.Command, q *stub.Quirks) {
	cmd.Flags().Float64Var(&q.LostAnswers, "lost-answers", 0, "the share of writes, 0 to 1, that take effect, but get no answer")
	cmd.Flags().Float64Var(&q.LateAnswers, "late-answers", 0, "the share of writes, 0 to 1, that take effect, but are answered after --silence")
	cmd.Flags().DurationVar(&q.LateEffects, "late-effects", 0, "the most that passes from the end of a connection to the effect of a write without an answer")
	cmd.Flags().DurationVar(&q.ListLag, "list-lag", 0, "the most that passes until a new ticket is in the list of tickets")
	cmd.Flags().DurationVar(&q.ClockOffset, "clock-offset", 0, "how far the clocks of the help desks are ahead; less than 0: behind")
	cmd.Flags().Float64Var(&q.RepeatedWebhooks, "repeated-webhooks", 0, "the share of webhooks, 0 to 1, that are sent twice though they were answered")
	cmd.Flags().DurationVar(&q.LateWebhooks, "late-webhooks", 0, "the most that passes until a webhook is sent, so that they come out of order")
	cmd.Flags().BoolVar(&q.NullSubjects, "null-subjects", false, "show the subjects of tickets as null")
}

// stubs are the stubs of all desks, Trengo's with the channels.
func stubs(channels map[string]string) []stub.API {
	var apis []stub.API
	for _, k := range all.Kinds() {
		api := k.Stub()
		if k.Name == stubtrengo.Name {
			api = stubtrengo.New(channels)
		}
		apis = append(apis, api)
	}
	return apis
}

// stubFlags are the flags that stub and demo share.
func stubFlags(cmd *cobra.Command, cfg *stub.Config) {
	cmd.Flags().Uint64Var(&cfg.Seed, "seed", 1, "the `number` that random choices follow from; the same seed gives the same run")
	cmd.Flags().DurationVar(&cfg.Latency, "latency", 0, "how long the help desks take to answer")
	cmd.Flags().Float64Var(&cfg.FailRate, "fail-rate", 0, "the share of calls, 0 to 1, that the help desks fail to answer")
}

// serveStub serves until ctx ends and prints where.
func (a *app) serveStub(ctx context.Context, address string, s *stub.Server) error {
	listening, err := stub.Listen(ctx, address, s)
	if err != nil {
		return err
	}
	defer listening.Close()
	for _, d := range s.Desks() {
		if _, err := fmt.Fprintf(a.stdout, "%-9s %s\n", d.Name(), listening.URL+d.Path()); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(a.stdout, "received  %s\n", listening.URL+"/_stub/received"); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-listening.Failed:
		return fmt.Errorf("serving the stub help desks: %w", err)
	}
}
