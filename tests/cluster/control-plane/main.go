// Command control-plane runs a real Kubernetes control plane in one process, for tests: etcd, kube-apiserver,
// kube-controller-manager, kube-scheduler, and kwok, which plays nodes and their pods. Called as kubectl (a link
// of that name, or "kubectl" as the first argument) it is kubectl of the same version.
//
// It is unlike a production cluster in these ways: controllers run as system:masters, etcd does not fsync, there
// are no aggregated APIs, and pods have neither logs nor exec.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	genericapiserver "k8s.io/apiserver/pkg/server"
)

var startedAt = time.Now()

func main() {
	if filepath.Base(os.Args[0]) == "kubectl" {
		kubectl()
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "kubectl" {
		os.Args = os.Args[1:]
		kubectl()
		return
	}
	// The context ends with the first SIGTERM or SIGINT; a second one ends the process.
	ctx := genericapiserver.SetupSignalContext()
	if err := serve(ctx, parseSettings(os.Args[1:])); err != nil {
		fmt.Fprintf(os.Stderr, "control-plane: %v\n", err)
		os.Exit(1)
	}
	// What the components leave running must not hold the process.
	os.Exit(0)
}

// report says on stdout how far the start or the stop has come.
func report(format string, values ...any) {
	fmt.Printf("%7.3fs %s\n", time.Since(startedAt).Seconds(), fmt.Sprintf(format, values...))
}
