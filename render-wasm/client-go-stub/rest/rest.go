// Package rest stands in for the Kubernetes client of the same name. Helm's template engine names it in its
// signatures; in the renderer there is no cluster to be reached, so there is nothing to configure.
package rest

// Config names no cluster.
type Config struct{}
