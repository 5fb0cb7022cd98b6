// Package configtest makes configurations for tests.
package configtest

import (
	"fmt"
	"testing"

	"github.com/deskstream/deskstream/internal/config"
)

// Parse returns the configuration of a file that holds the formatted text. There is no
// environment.
func Parse(t testing.TB, format string, args ...any) *config.Config {
	t.Helper()
	c, err := config.Parse("test.yaml", fmt.Appendf(nil, format, args...), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	return c
}
