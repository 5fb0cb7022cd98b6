package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/output"
)

const (
	// healthTimeout bounds the question, so that the answer to a checker with patience
	// is our text and not its own.
	healthTimeout = 5 * time.Second
	// healthShown is how much of an answer is shown, in bytes.
	healthShown = 1 << 10
)

// newHealthCommand makes the command that a container's health check runs: an image
// without a shell has nothing else to ask with. It is no work of people, so the list of
// commands leaves it out.
func newHealthCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:    "health URL",
		Short:  "Asks an instance whether it is ready, for health checks of containers",
		Hidden: true,
		Long: `health sends one request to URL and prints the response. It is for the health checks of
containers that have no other program.`,
		Example: `  deskstream health http://127.0.0.1:9400/readyz`,
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.health(cmd.Context(), args[0]) },
	}
}

func (a *app) health(ctx context.Context, url string) error {
	if !strings.Contains(url, "://") {
		url = "http://" + url
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return &config.FlagError{Err: fmt.Errorf("reading the URL: %w", err)}
	}
	req.Close = true // one question: nothing is kept open
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("asking for health: %w", err)
	}
	defer resp.Body.Close()
	shown, err := io.ReadAll(io.LimitReader(resp.Body, healthShown))
	if err != nil {
		return fmt.Errorf("reading the response of %s: %w", url, err)
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s answered %s: %s", url, resp.Status, bytes.TrimSpace(shown))
	}
	_, err = io.WriteString(a.stdout, output.Line(string(bytes.TrimSpace(shown)))+"\n")
	return err
}
