package redrive

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/deskstream/deskstream/internal/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// oneDesk is a configuration with the destination crm at a desk.
func oneDesk(t *testing.T, url, retry string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.yaml")
	text := fmt.Sprintf(`destinations:
  - name: crm
    type: kustomer
    kustomer: {api_key: s3cr3t-key-of-the-desk, base_url: "%s", advanced_transform: false}
    delivery: {timeout: 30s, rate_limit: {requests: 1000000}, retry: {%s}}
`, url, retry)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// await polls until the condition holds.
func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited a minute for %s", what)
		}
	}
}
