// Package kubernetes stands in for the typed Kubernetes client: Helm imports it only to learn its version from the
// build, by which it knows the Kubernetes version that `helm template` assumes.
package kubernetes
