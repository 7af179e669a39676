// Package memnet connects net/http's own client and server without a network.
//
// Tests that count connections need it: over a network net/http gives up a
// connection whose writer has not reported within 50 ms, which a busy machine
// brings about now and then. In a bubble of testing/synctest those 50 ms do not pass
// while anything is left to do.
package memnet

import (
	"context"
	"net"
	"net/http/httptest"
	"sync"
	"sync/atomic"
)

// Listener accepts what its Dial connects. It is safe for concurrent use.
type Listener struct {
	conns  chan net.Conn
	done   chan struct{}
	once   sync.Once
	dialed atomic.Int64
}

// Listen makes a listener.
func Listen() *Listener {
	return &Listener{conns: make(chan net.Conn), done: make(chan struct{})}
}

// Replace puts a new listener in the place of that of a server not started yet.
func Replace(srv *httptest.Server) *Listener {
	_ = srv.Listener.Close()
	l := Listen()
	srv.Listener = l
	return l
}

// Dial connects to the listener, whatever the address; http.Transport's DialContext.
func (l *Listener) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.conns <- far:
		l.dialed.Add(1)
		return near, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Dialed is how many connections there have been.
func (l *Listener) Dialed() int { return int(l.dialed.Load()) }

// Accept waits for a connection.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and Dial.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr is an address that belongs to nobody.
func (l *Listener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
