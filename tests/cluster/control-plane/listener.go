package main

import (
	"fmt"
	"net"
	"sync"
)

// trackingListener knows its open connections, so that they can all be cut when the control plane stops.
type trackingListener struct {
	net.Listener
	mutex       sync.Mutex
	connections map[*trackedConnection]struct{}
}

type trackedConnection struct {
	net.Conn
	listener *trackingListener
}

func listen(port int) (*trackingListener, error) {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, err
	}
	return &trackingListener{Listener: l, connections: map[*trackedConnection]struct{}{}}, nil
}

func (l *trackingListener) port() int { return l.Addr().(*net.TCPAddr).Port }

func (l *trackingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tracked := &trackedConnection{c, l}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.connections[tracked] = struct{}{}
	return tracked, nil
}

func (c *trackedConnection) Close() error {
	c.listener.mutex.Lock()
	delete(c.listener.connections, c)
	c.listener.mutex.Unlock()
	return c.Conn.Close()
}

func (l *trackingListener) closeConnections() {
	l.mutex.Lock()
	open := make([]*trackedConnection, 0, len(l.connections))
	for c := range l.connections {
		open = append(open, c)
	}
	l.mutex.Unlock()
	for _, c := range open {
		_ = c.Close()
	}
}
