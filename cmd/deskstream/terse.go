package main

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

// terseLogger is the Kafka client's logger. The client tells of each attempt that fails,
// several times a second: here the same warning for the same cause is told once, and
// again when it comes back after a pause. Debug leaves nothing out.
type terseLogger struct {
	kgo.Logger

	mu   sync.Mutex
	seen map[string]time.Time // when a message with its cause was there last
}

const (
	// tersePause is how long a message has to be away to be news again.
	tersePause = time.Minute
	// terseMost bounds how many messages are remembered.
	terseMost = 1000
)

func newTerseLogger(log *slog.Logger) *terseLogger {
	return &terseLogger{Logger: kslog.New(log), seen: make(map[string]time.Time)}
}

// Log implements kgo.Logger.
func (l *terseLogger) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	if cause, ok := causeIn(keyvals); ok && l.Level() < kgo.LogLevelDebug && l.isOld(msg+": "+cause) {
		return
	}
	l.Logger.Log(level, msg, keyvals...)
}

func (l *terseLogger) isOld(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	last, known := l.seen[text]
	if !known && len(l.seen) >= terseMost {
		clear(l.seen)
	}
	l.seen[text] = now
	return known && now.Sub(last) < tersePause
}

// causeIn is what the attribute err or error_code says, without what differs between
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
