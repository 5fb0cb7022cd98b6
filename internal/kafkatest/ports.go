//go:build kafka

package kafkatest

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"
)

// quietPorts finds the first of n neighbouring ports on which nobody listens, below
// those that systems give to outgoing connections: one of these could take a broker's port
// while it is away.
func quietPorts(ctx context.Context, n int) (int, error) {
	const first, last = 20_000, 32_768
	begin := first + int(time.Now().UnixNano()/1000)%(last-first-n)
	for try := range last - first - n {
		port := first + (begin-first+try*n)%(last-first-n)
		if free(ctx, port, n) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("looking for %d neighbouring ports that nobody listens on: there are none", n)
}

func free(ctx context.Context, port, n int) bool {
	for _, address := range addresses(port, n) {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if err != nil {
			return false
		}
		_ = l.Close() // it was opened to see that it can be
	}
	return true
}

func addresses(port, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = net.JoinHostPort("127.0.0.1", strconv.Itoa(port+i))
	}
	return all
}
