package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	pollInterval = 20 * time.Millisecond
	patience     = 2 * time.Minute
)

// waitFor asks again until the condition holds.
func waitFor(ctx context.Context, what string, holds func() bool) error {
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("stopped while it waited for %s", what)
		case <-deadline:
			return fmt.Errorf("waited %v for %s", patience, what)
		case <-time.After(pollInterval):
		}
	}
	return nil
}

func waitForAPIServer(ctx context.Context, ca *x509.CertPool, port int) error {
	client := http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca}},
	}
	defer client.CloseIdleConnections()
	last := errors.New("no answer")
	err := waitFor(ctx, "kube-apiserver to be ready", func() bool {
		response, err := client.Get(fmt.Sprintf("https://127.0.0.1:%d/readyz", port))
		if err != nil {
			last = err
			return false
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		last = errors.New(strings.TrimSpace(string(body)))
		return response.StatusCode == http.StatusOK
	})
	if err != nil {
		return fmt.Errorf("%w: %w", err, last)
	}
	return nil
}
