package console

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/deskstream/deskstream/internal/certs"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/endpoint"
	"github.com/deskstream/deskstream/internal/live"
	"github.com/deskstream/deskstream/internal/status"
	"github.com/deskstream/deskstream/sink/traces"
)

// DefaultAddress is where the console listens when nothing else is said.
const DefaultAddress = "127.0.0.1:9402"

// Options say what the console shows.
type Options struct {
	// Config returns the configuration that is in effect.
	Config func() *config.Config
	Log    *slog.Logger
	// Address is where the console listens, host:port.
	Address string
	// Pipelines are those that run in this process; nil: none, the topics alone are shown.
	Pipelines Pipelines
	// Instances are the URLs of admin listeners of instances that run elsewhere, which are asked.
	Instances []string
	// By is the name in the log of who acts where nobody logs in.
	By string
	// Traces is where the traces of letters go that are sent again; nil: nowhere.
	Traces traces.Source
	// ElseFree takes a free port where that of Address is taken.
	ElseFree bool
}

// Pipelines are those of an instance.
type Pipelines interface {
	// Status returns what the instance knows of each destination.
	Status() []status.Pipeline
	// WaitingLanes returns the n lanes that wait longest, and how many have an open event.
	WaitingLanes(n int) (rows []status.Lane, open int)
	// Rules returns what each rule did since the process began, without those that no event went by.
	Rules() []status.Rule
	// Hold puts a destination on hold, and Resume ends a hold. The error says that it is so already.
	// here says why the hold is not on record, and so of this instance only; "" for one that is.
	Hold(destination string) (here string, err error)
	Resume(destination string) error
}

// Console is the web pages of one process.
type Console struct {
	Options

	settings config.Console // of the start: a change needs a restart
	hosts    endpoint.Hosts
	users    *users
	sessions *sessions
	attempts *attempts
	pages    pages
	masking  [32]byte
	// reading limits how many pages read topics at a time.
	reading chan struct{}
	history *history
	deeds   deeds
	jobs    *jobs
	live    *live.Hub
	began   time.Time
	plans   plans
	audits  audits
}

// maxReading is how many pages may read topics at a time: each takes a client and the memory of
// what it fetches.
const maxReading = 3

// New makes a console. Faults in the configuration are config.UsageErrors.
func New(o Options) (*Console, error) {
	cfg := o.Config()
	o.By = cmp.Or(o.By, "local")
	if why := cfg.CheckConsole(o.Address); why != "" {
		return nil, &config.UsageError{Err: fmt.Errorf("the address of the console, %s, %s", o.Address, why)}
	}
	c := &Console{
		Options: o, settings: cfg.Console, hosts: endpoint.HostsOf(o.Address, cfg.Console.Hosts...),
		sessions: newSessions(), attempts: newAttempts(), reading: make(chan struct{}, maxReading), history: newHistory(), jobs: newJobs(),
	}
	_, _ = rand.Read(c.masking[:]) // it never fails
	c.live, c.began = live.NewHub(c.responses), time.Now()
	var err error
	if c.users, err = openUsers(cfg.Console.UsersFile, o.Log); err != nil {
		return nil, &config.UsageError{Err: fmt.Errorf("console.users_file: %w", err)}
	}
	if c.pages, err = parsePages(); err != nil {
		return nil, err
	}
	return c, nil
}

// The bounds of the console's server. A page may read a whole topic.
const (
	answerWithin = 3 * time.Minute
	connections  = 64
)

// Listen opens the console's endpoint.
func (c *Console) Listen(ctx context.Context) (endpoint.Endpoint, error) {
	settings := endpoint.Config{Handler: c.Handler(), AnswerWithin: answerWithin, Connections: connections, Log: c.Log}
	if files := c.settings.TLS; files.CertFile != "" {
		var err error
		if settings.TLS, err = certs.Server(certs.Files{Cert: files.CertFile, Key: files.KeyFile}); err != nil {
			return endpoint.Endpoint{}, &config.UsageError{Err: fmt.Errorf("console.tls: %w", err)}
		}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Address)
	if errors.Is(err, syscall.EADDRINUSE) && c.ElseFree {
		host, _, _ := net.SplitHostPort(c.Address) // it was listened at
		listener, err = new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return endpoint.Endpoint{}, fmt.Errorf("opening the console: %w", err)
	}
	if c.settings.HasLogin() && settings.TLS == nil && !isLoopback(listener.Addr()) {
		c.Log.Warn("the console has no TLS: passwords, tokens and pages cross the network as they are unless a proxy encrypts them, set console.tls")
	}
	e := endpoint.New(listener, settings)
	e.Server.RegisterOnShutdown(c.live.Close) // a stream has no end of its own
	return e, nil
}

func isLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// URL is the address of an endpoint of the console, as a person types it.
func (c *Console) URL(e endpoint.Endpoint) string {
	scheme := "http"
	if c.settings.TLS.CertFile != "" {
		scheme = "https"
	}
	return scheme + "://" + e.Listener.Addr().String() + "/"
}

// Serve serves a console until ctx ends. It calls opened with the address once it listens.
func Serve(ctx context.Context, o Options, opened func(url string)) error {
	c, err := New(o)
	if err != nil {
		return err
	}
	e, err := c.Listen(ctx)
	if err != nil {
		return err
	}
	opened(c.URL(e))
	served := make(chan error, 1)
	go func() { served <- e.Serve() }()
	running, stop := context.WithCancel(ctx)
	defer stop()
	watched := make(chan error, 1)
	go func() { watched <- c.Run(running) }()
	select {
	case err = <-served:
		stop()
		return errors.Join(err, <-watched)
	case err = <-watched: // ctx has ended
		e.Close()
		return errors.Join(err, <-served)
	}
}

// Handler serves the pages.
func (c *Console) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /static/{file}", serveStatic)
	mux.HandleFunc("GET /login", c.showLogin)
	mux.HandleFunc("POST /login", c.login)
	mux.HandleFunc("POST /logout", c.logout)
	for pattern, show := range map[string]showPage{
		"GET /{$}":                       c.overview,
		"GET /actions":                   c.actions,
		"GET /letters/discard":           c.askDiscard,
		"GET /job/{id}":                  c.job,
		"GET /configuration":             c.configuration,
		"GET /letters":                   c.causes,
		"GET /letters/list":              c.letterList,
		"GET /letter/{id}":               c.letter,
		"GET /event":                     c.event,
		"GET /lanes":                     c.lanes,
		"GET /outcomes":                  c.outcomes,
		"GET /rules":                     c.rules,
		"GET /destination/{destination}": c.destination,
		"GET /letters/plan":              c.askPlan,
		"GET /plans":                     c.planList,
		"GET /plan/{id}":                 c.plan,
		"GET /plan/{id}/letter/{letter}": c.plannedLetter,
		"GET /audit":                     c.audit,
	} {
		mux.Handle(pattern, c.page(show))
	}
	if len(c.Instances) > 0 {
		mux.Handle("GET /instances", c.page(c.instances))
	}
	mux.HandleFunc("GET /outcomes/stream", c.stream)
	mux.HandleFunc("GET /letter/{id}/original", c.letterOriginal)
	mux.HandleFunc("GET /event/original", c.eventOriginal)
	mux.HandleFunc("GET /plan/{id}/file", c.planFile)
	for pattern, do := range map[string]doAct{
		"POST /destination/{destination}/hold":   c.hold,
		"POST /destination/{destination}/resume": c.resume,
		"POST /letters/discard":                  c.discard,
		"POST /job/{id}/stop":                    c.stopJob,
		"POST /letters/plan":                     c.makePlan,
		"POST /plan/{id}/complete":               c.completePlan,
		"POST /plan/{id}/apply":                  c.apply,
		"POST /audit":                            c.startAudit,
	} {
		mux.Handle(pattern, c.act(do))
	}
	mux.Handle("GET /", c.page(func(*visit) (content, error) { return content{}, errNoPage }))
	return c.guard(mux)
}
