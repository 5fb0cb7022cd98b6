package main

import (
	"context"
	"maps"
	"net"
	"sync"
)

// peers are the connections that broker and help desk have open. One whose other end is dead is
// closed once what came over it is dealt with.
type peers struct {
	mu   sync.Mutex
	open map[net.Conn]bool
}

func (p *peers) now() map[net.Conn]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.open)
}

func (p *peers) listen(network, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), network, address)
	return &listener{l, p}, err
}

// listener has peers know its connections.
type listener struct {
	net.Listener
	peers *peers
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	conn := &peer{c, l.peers}
	l.peers.mu.Lock()
	defer l.peers.mu.Unlock()
	l.peers.open[conn] = true
	return conn, nil
}

// peer is a connection of peers.
type peer struct {
	net.Conn
	peers *peers
}

// Close implements net.Conn.
func (c *peer) Close() error {
	c.peers.mu.Lock()
	delete(c.peers.open, c)
	c.peers.mu.Unlock()
	return c.Conn.Close()
}
