//go:build unix

package sink

import (
	"errors"
	"syscall"
)

// nothingToRead reports whether a socket that does not block is open and has nothing to
// read. What it has is lost.
func nothingToRead(fd uintptr) bool {
	var b [1]byte
	_, err := syscall.Read(int(fd), b[:])
	return errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EWOULDBLOCK)
}
