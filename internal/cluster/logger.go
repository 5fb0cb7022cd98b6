package cluster

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kslog"
)

// Logger is the Kafka client's logger. The client logs each failed attempt, several times a
// second. Logger logs the same message with the same cause once, and again when it returns
// after a pause. What the client tells of its work (info) is ours at the debug level, at which Logger logs everything.
type Logger struct {
	kgo.Logger

	mu   sync.Mutex
	seen map[string]time.Time // when a message with its cause was there last
}

const (
	// logPause is how long a message has to be absent before it is logged again.
	logPause = time.Minute
	// maxLogged limits how many messages are remembered.
	maxLogged = 1000
)

// NewLogger returns a logger for Kafka clients that writes to log.
func NewLogger(log *slog.Logger) *Logger {
	return &Logger{Logger: kslog.New(log), seen: make(map[string]time.Time)}
}

// Level implements kgo.Logger.
func (l *Logger) Level() kgo.LogLevel {
	if level := l.Logger.Level(); level != kgo.LogLevelInfo {
		return level
	}
	return kgo.LogLevelWarn
}

// Log implements kgo.Logger.
func (l *Logger) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	if cause, ok := causeIn(keyvals); ok && l.Level() < kgo.LogLevelDebug && l.isOld(msg+": "+cause) {
		return
	}
	if level == kgo.LogLevelInfo {
		level = kgo.LogLevelDebug
	}
	l.Logger.Log(level, msg, keyvals...)
}

func (l *Logger) isOld(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	last, known := l.seen[text]
	if !known && len(l.seen) >= maxLogged {
		clear(l.seen)
	}
	l.seen[text] = now
	return known && now.Sub(last) < logPause
}

// causeIn returns the cause in the attribute err or error_code, without what differs between
// attempts.
func causeIn(keyvals []any) (string, bool) {
	for i := 0; i+1 < len(keyvals); i += 2 {
		if keyvals[i] != "err" && keyvals[i] != "error_code" {
			continue
		}
		err, ok := keyvals[i+1].(error)
		if !ok {
			return fmt.Sprint(keyvals[i+1]), true
		}
		if refused, ok := errors.AsType[*kerr.Error](err); ok {
			return refused.Message, true
		}
		if number, ok := errors.AsType[syscall.Errno](err); ok {
			return number.Error(), true // without the ports of the connection
		}
		if op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil {
			return op.Err.Error(), true
		}
		return err.Error(), true
	}
	return "", false
}
