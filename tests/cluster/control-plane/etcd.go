package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

// A Unix socket's path has room for about this many bytes on every system.
const socketPathBytesMax = 100

// startEtcd runs one member in this process and returns its endpoint.
func startEtcd(dir string, fsync bool) (*embed.Etcd, string, error) {
	// A Unix socket: no port to choose, and nobody else can reach it.
	socket := filepath.Join(dir, "etcd.sock")
	if len(socket) > socketPathBytesMax {
		return nil, "", fmt.Errorf("the data directory's path is too long for a socket in it: %s", dir)
	}
	_ = os.Remove(socket)
	client := url.URL{Scheme: "unix", Path: socket}
	peer := url.URL{Scheme: "http", Host: "127.0.0.1:0"} // never dialled: there is one member

	c := embed.NewConfig()
	c.Name = "default"
	c.Dir = filepath.Join(dir, "etcd")
	c.ListenClientUrls, c.AdvertiseClientUrls = []url.URL{client}, []url.URL{peer} // what is advertised must be host:port
	c.ListenPeerUrls, c.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	c.UnsafeNoFsync = !fsync
	c.LogLevel = "error"
	c.LogOutputs = []string{filepath.Join(dir, "etcd.log")}
	c.QuotaBackendBytes = 2 << 30
	c.TickMs, c.ElectionMs = 10, 100 // a lone member elects itself after this time
	c.SnapshotCount = 5000

	e, err := embed.StartEtcd(c)
	if err != nil {
		return nil, "", err
	}
	select {
	case <-e.Server.ReadyNotify():
		return e, "unix://" + socket, nil
	case err := <-e.Err():
		return nil, "", err
	case <-time.After(30 * time.Second):
		return nil, "", errors.New("not ready in 30 s")
	}
}
