package receive

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/hooks"
)

// secrets are those that may have signed a destination's webhooks.
type secrets struct {
	settings config.Webhooks
	// file is what the secrets file holds, nil for nothing.
	file atomic.Pointer[hooks.File]

	mu       sync.Mutex
	modified time.Time // of the file that refresh has read
}

// of returns the keys that may sign the event that a path names.
func (s *secrets) of(event string) (keys []string) {
	for _, secret := range s.settings.Secrets {
		keys = append(keys, secret.Reveal())
	}
	return append(keys, s.file.Load().Keys(event)...)
}

// reread reads all of them again, and reports whether one has changed. After an error they are as
// they were.
func (s *secrets) reread(ctx context.Context) (changed bool, err error) {
	for _, secret := range s.settings.Secrets {
		another, failed := secret.Reread()
		changed, err = changed || another, errors.Join(err, failed)
	}
	if s.settings.SecretsFile == "" {
		return changed, err
	}
	read, failed := hooks.ReadFile(ctx, s.settings.SecretsFile)
	if failed != nil {
		return changed, errors.Join(err, failed)
	}
	was := s.file.Swap(read)
	return changed || !read.Equal(was), err
}

// refresh reads the secrets file if it has changed since the last time, and reports whether it has
// read one. A registration that was made this moment signs already.
func (s *secrets) refresh(ctx context.Context) bool {
	if s.settings.SecretsFile == "" {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	info, err := os.Stat(s.settings.SecretsFile)
	if err != nil || info.ModTime().Equal(s.modified) {
		return false
	}
	s.modified = info.ModTime()
	read, err := hooks.ReadFile(ctx, s.settings.SecretsFile)
	if err == nil {
		s.file.Store(read)
	}
	return err == nil
}

// readableByOthers reports whether others than the owner may read the secrets file.
func (s *secrets) readableByOthers() bool {
	info, err := os.Stat(s.settings.SecretsFile)
	return s.settings.SecretsFile != "" && err == nil && info.Mode().Perm()&0o077 != 0
}
