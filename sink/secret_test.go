package sink_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/deskstream/deskstream/sink"
)

func TestSecret_showsNowhere(t *testing.T) {
	const text = "s3cr3t-t0ken"
	secret := sink.NewSecret(text)
	holder := struct {
		Open   sink.Secret
		hidden sink.Secret
	}{secret, secret}

	var shown bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&shown, verb+"\n", secret)
		fmt.Fprintf(&shown, verb+"\n", &secret)
		fmt.Fprintf(&shown, verb+"\n", holder)
	}
	slog.New(slog.NewTextHandler(&shown, nil)).Info("logged", "secret", secret, "holder", holder)
	slog.New(slog.NewJSONHandler(&shown, nil)).Info("logged", "secret", secret, "holder", holder)
	for _, marshal := range []func(any) ([]byte, error){json.Marshal, yaml.Marshal} {
		out, err := marshal(map[string]any{"value": secret, "pointer": &secret, "holder": holder})
		if err != nil {
			t.Fatalf("marshalling: %v", err)
		}
		shown.Write(out)
	}

	hex := fmt.Sprintf("%x", text)
	if got := shown.String(); strings.Contains(got, text) || strings.Contains(got, hex) {
		t.Errorf("the secret shows in:\n%s", got)
	}
	if got := shown.String(); strings.Count(got, "[redacted]") < 20 {
		t.Errorf("got too few redactions:\n%s", got)
	}
	if got := secret.Reveal(); got != text {
		t.Errorf("Reveal() = %q, want %q", got, text)
	}
}

func TestSecret_zeroIsEmpty(t *testing.T) {
	var zero sink.Secret
	if !zero.IsZero() || zero.Reveal() != "" {
		t.Errorf("the zero Secret is not empty: %q", zero.Reveal())
	}
	if !zero.Equal(sink.NewSecret("")) || zero.Equal(sink.NewSecret("x")) {
		t.Error("Equal does not compare the texts")
	}
	if sink.NewSecret("x").IsZero() {
		t.Error("a set Secret counts as empty")
	}
}

func TestSecret_rereadReachesEveryCopy(t *testing.T) {
	text, fault := "old", error(nil)
	secret := sink.NewRereadSecret("old", func() (string, error) { return text, fault })
	other := secret
	for _, step := range []struct {
		text  string
		fault error
		want  string
	}{{"old", nil, "old"}, {"new", nil, "new"}, {"", errors.New("gone"), "new"}, {"newer", nil, "newer"}} {
		before := secret.Reveal()
		text, fault = step.text, step.fault
		changed, err := secret.Reread()
		if !errors.Is(err, step.fault) || changed != (step.want != before) || other.Reveal() != step.want {
			t.Errorf("Reread = %v, %v and a copy is %q; want %q", changed, err, other.Reveal(), step.want)
		}
	}
	if changed, err := sink.NewSecret("x").Reread(); changed || err != nil {
		t.Errorf("a constant was read again: %v, %v", changed, err)
	}
}
