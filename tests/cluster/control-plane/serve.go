package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// serve starts the components in the order in which they need each other, says in the file "ready" that all of
// them work, and stops them in the reverse order when the context ends or one of them fails.
func serve(ctx context.Context, s settings) (err error) {
	if s.dir == "" {
		return errors.New("-data-dir is required")
	}
	dir, err := filepath.Abs(s.dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	readyFile := filepath.Join(dir, "ready")
	_ = os.Remove(readyFile)

	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	if s.withStdin {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			fail(nil)
		}()
	}
	// What ended the context: nil for a signal or the end of stdin.
	ended := func() error {
		if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
			return cause
		}
		return nil
	}

	listener, err := listen(s.port)
	if err != nil {
		return err
	}
	ca, err := writeCredentials(dir, listener.port())
	if err != nil {
		return fmt.Errorf("credentials: %w", err)
	}
	report("listening on port %d", listener.port())

	etcd, endpoint, err := startEtcd(dir, s.fsync)
	if err != nil {
		return fmt.Errorf("etcd: %w", err)
	}
	defer stopWithin(3*time.Second, etcd.Close)
	report("etcd is ready")

	// The API server's own context: it must outlive the controllers, which write as they stop.
	apiserverCtx, stopAPIServer := context.WithCancel(context.Background())
	apiserverDone := make(chan struct{})
	go func() {
		defer close(apiserverDone)
		if err := runAPIServer(apiserverCtx, dir, endpoint, listener, s.apiserverArgs); err != nil {
			fail(fmt.Errorf("kube-apiserver: %w", err))
		} else if apiserverCtx.Err() == nil {
			fail(errors.New("kube-apiserver stopped by itself"))
		}
	}()
	defer func() {
		stopAPIServer()
		// Open watches of other clients would hold its graceful shutdown for a minute.
		closing := time.AfterFunc(200*time.Millisecond, listener.closeConnections)
		defer closing.Stop()
		select {
		case <-apiserverDone:
		case <-time.After(3 * time.Second):
			report("kube-apiserver still drains; etcd is closed under it")
		}
	}()
	if err := waitForAPIServer(ctx, ca, listener.port()); err != nil {
		return errors.Join(err, ended())
	}
	report("kube-apiserver is ready")

	controllersCtx, stopControllers := context.WithCancel(ctx)
	var controllers sync.WaitGroup
	start := func(name string, run func() error) {
		controllers.Go(func() {
			if err := run(); err != nil && controllersCtx.Err() == nil {
				fail(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	defer func() {
		stopControllers()
		stopWithin(2*time.Second, controllers.Wait)
	}()
	if !s.noController {
		start("kube-controller-manager", func() error {
			return runControllerManager(controllersCtx, dir, s.qps, s.controllerArgs)
		})
	}
	if !s.noScheduler {
		start("kube-scheduler", func() error { return runScheduler(controllersCtx, dir, s.qps, s.schedulerArgs) })
	}

	config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(dir, "kubeconfig"))
	if err != nil {
		return err
	}
	config.QPS, config.Burst = -1, -1 // no limit
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	if !s.noNodes && s.nodes > 0 {
		for i := range s.nodes {
			if err := createNode(ctx, client, fmt.Sprintf("node-%d", i)); err != nil {
				return fmt.Errorf("node-%d: %w", i, err)
			}
		}
		start("kwok", func() error { return runKwok(controllersCtx, dir, s.stages) })
		if err := waitFor(ctx, "nodes to be ready", func() bool { return nodesReady(ctx, client) >= s.nodes }); err != nil {
			return errors.Join(err, ended())
		}
		report("%d nodes are ready", s.nodes)
	}
	if !s.noController {
		// Made by a controller: it shows that the controllers run, and pods need it.
		if err := waitFor(ctx, "the default service account", func() bool {
			_, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
			return err == nil
		}); err != nil {
			return errors.Join(err, ended())
		}
		report("controllers run")
	}

	if err := os.WriteFile(readyFile, fmt.Appendf(nil, "%d\n", listener.port()), 0o600); err != nil {
		return err
	}
	report("ready: %s", filepath.Join(dir, "kubeconfig"))
	<-ctx.Done()
	_ = os.Remove(readyFile)
	report("stopping")
	return ended()
}

// stopWithin waits for a stop, but not for ever.
func stopWithin(patience time.Duration, stop func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		stop()
	}()
	select {
	case <-done:
	case <-time.After(patience):
	}
}
