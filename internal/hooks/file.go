package hooks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/deskstream/deskstream/internal/file"
)

const (
	// minSecret is the shortest secret of a secrets file, in characters, as in the configuration.
	minSecret = 8
	// keptSecrets is how many secrets of one registration are kept, the present one included.
	keptSecrets = 3
)

// ErrNoFile is a secrets file that nobody has written yet.
var ErrNoFile = errors.New("webhooks.secrets_file does not exist")

// File is the content of webhooks.secrets_file. Unknown members are left alone when it is read.
type File struct {
	Hooks []FileHook `json:"hooks"`
}

// FileHook is the secrets of one registration.
type FileHook struct {
	// Event is the desk's name of the event that the registration sends, "" for any.
	Event string `json:"event"`
	// Secrets are the registration's, the present one first.
	Secrets []string `json:"secrets"`
}

// ReadFile reads a secrets file. Its errors show none of it.
func ReadFile(ctx context.Context, path string) (*File, error) {
	text, err := file.Read(ctx, path, file.MaxSmall)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoFile
	}
	if err != nil {
		return nil, fmt.Errorf("reading webhooks.secrets_file: %w", err)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, fmt.Errorf("reading webhooks.secrets_file: %s is empty: delete it, and deskstream webhooks apply writes it with the secrets that the desk gives", path)
	}
	var f File
	if json.Unmarshal(text, &f) != nil {
		return nil, fmt.Errorf("reading webhooks.secrets_file: %s is not JSON of the form {\"hooks\": [{\"event\": \"TICKET_CLOSED\", \"secrets\": [\"...\"]}]}", path)
	}
	for i, hook := range f.Hooks {
		for _, secret := range hook.Secrets {
			if len(strings.TrimSpace(secret)) < minSecret {
				return nil, fmt.Errorf("reading webhooks.secrets_file: %s: hooks[%d] has a secret of fewer than %d characters", path, i, minSecret)
			}
		}
	}
	return &f, nil
}

// Keys returns the secrets that may sign an event of a path. A registration's own secret signs
// nothing but its event: a body may say nothing of the event, so one could be passed off as another.
func (f *File) Keys(event string) (keys []string) {
	if f == nil {
		return nil
	}
	for _, hook := range f.Hooks {
		if hook.Event == "" || hook.Event == event {
			keys = append(keys, hook.Secrets...)
		}
	}
	return keys
}

// Equal reports whether two files say the same.
func (f *File) Equal(other *File) bool {
	if f == nil || other == nil {
		return f == other
	}
	return slices.EqualFunc(f.Hooks, other.Hooks, func(a, b FileHook) bool {
		return a.Event == b.Event && slices.Equal(a.Secrets, b.Secrets)
	})
}

// with adds the present secret of a registration of an event. The former ones stay for a while.
func (f *File) with(event, secret string) {
	if secret == "" {
		return
	}
	i := slices.IndexFunc(f.Hooks, func(h FileHook) bool { return h.Event == event })
	if i < 0 {
		f.Hooks = append(f.Hooks, FileHook{Event: event, Secrets: []string{secret}})
		return
	}
	former := slices.DeleteFunc(slices.Clone(f.Hooks[i].Secrets), func(s string) bool { return s == secret })
	secrets := append([]string{secret}, former...)
	f.Hooks[i].Secrets = secrets[:min(len(secrets), keptSecrets)]
}

// write writes the file, for its owner only, in one step.
func (f *File) write(path string) error {
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding webhooks.secrets_file: %w", err)
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".hooks-*") // with mode 0600
	if err != nil {
		return fmt.Errorf("writing webhooks.secrets_file: %w", err)
	}
	_, err = temp.Write(append(text, '\n'))
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
		return fmt.Errorf("writing webhooks.secrets_file: %w", err)
	}
	return nil
}
