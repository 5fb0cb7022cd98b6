// Package file reads small files whose path somebody wrote into a configuration or on a
// command line: bounded in size and in time, so that a device, a named pipe or a mount
// that is gone ends in an error that says so, and never in a process that hangs.
package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// Limits of a read.
const (
	// Timeout is how long a read may take. A mount whose server is gone does not answer
	// at all; nothing that is read here is large.
	Timeout = 5 * time.Second
	// MaxSmall is the size in bytes of the largest credential, certificate or
	// configuration.
	MaxSmall = 1 << 20
)

// Read returns the content of a regular file of at most limit bytes. Its errors name the
// path. It returns early when ctx ends. A read that does not answer is left behind.
func Read(ctx context.Context, path string, limit int64) ([]byte, error) {
	return read(ctx, path, limit, fs.FileMode.IsRegular)
}

// ReadInput is Read for a file that a user names on the command line, which may be a pipe
// as well: shells make one of <(command).
func ReadInput(ctx context.Context, path string, limit int64) ([]byte, error) {
	return read(ctx, path, limit, func(m fs.FileMode) bool { return m.IsRegular() || m.Type() == fs.ModeNamedPipe })
}

func read(ctx context.Context, path string, limit int64, fits func(fs.FileMode) bool) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data, err := readNow(path, limit, fits)
		done <- result{data, err}
	}()
	limited, cancel := context.WithTimeoutCause(ctx, Timeout, fmt.Errorf("no answer within %s: is its disk or mount gone?", Timeout))
	defer cancel()
	select {
	case r := <-done:
		if r.err != nil {
			return nil, fault(path, r.err)
		}
		return r.data, nil
	case <-limited.Done():
		return nil, fault(path, context.Cause(limited))
	}
}

func readNow(path string, limit int64, fits func(fs.FileMode) bool) ([]byte, error) {
	// Without O_NONBLOCK the opening of a named pipe waits for somebody who writes to it.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !fits(info.Mode()) {
		return nil, fmt.Errorf("is %s, not a regular file", describe(info.Mode()))
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("is larger than %d KiB", limit>>10)
	}
	return data, err
}

func describe(mode fs.FileMode) string {
	switch mode.Type() {
	case fs.ModeDir:
		return "a directory"
	case fs.ModeNamedPipe:
		return "a named pipe"
	case fs.ModeSocket:
		return "a socket"
	default:
		return "a device"
	}
}

// fault names the path once.
func fault(path string, err error) error {
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		err = inner.Err
	}
	return fmt.Errorf("the file %q: %w", path, err)
}
