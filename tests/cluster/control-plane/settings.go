package main

import (
	"flag"
	"strings"

	"k8s.io/klog/v2"
)

type settings struct {
	dir          string
	port         int
	nodes        int
	noNodes      bool
	noScheduler  bool
	noController bool
	stages       string
	qps          int
	fsync        bool
	withStdin    bool

	apiserverArgs  repeated
	controllerArgs repeated
	schedulerArgs  repeated
}

// repeated is a flag that may be given several times.
type repeated []string

func (r *repeated) String() string     { return strings.Join(*r, " ") }
func (r *repeated) Set(s string) error { *r = append(*r, s); return nil }

func parseSettings(args []string) settings {
	var s settings
	f := flag.NewFlagSet("control-plane", flag.ExitOnError)
	f.StringVar(&s.dir, "data-dir", "", "state, created if absent; a second start there finds the same objects and credentials")
	f.IntVar(&s.port, "port", 0, "HTTPS port on 127.0.0.1; 0 takes a free one")
	f.IntVar(&s.nodes, "nodes", 2, "simulated nodes")
	f.BoolVar(&s.noNodes, "no-kwok", false, "no simulated nodes: pods stay pending")
	f.BoolVar(&s.noScheduler, "no-scheduler", false, "no kube-scheduler")
	f.BoolVar(&s.noController, "no-controllers", false, "no kube-controller-manager")
	f.StringVar(&s.stages, "kwok-stages", "", "a file of kwok Stage objects to add to the defaults, for example pods that fail")
	f.IntVar(&s.qps, "qps", 500, "requests a second that each controller process may send")
	f.BoolVar(&s.fsync, "fsync", false, "let etcd fsync")
	f.BoolVar(&s.withStdin, "with-stdin", false, "stop when stdin ends: a control plane never outlives the test run that started it")
	f.Var(&s.apiserverArgs, "apiserver-arg", "a further flag of kube-apiserver (repeatable)")
	f.Var(&s.controllerArgs, "controller-manager-arg", "a further flag of kube-controller-manager (repeatable)")
	f.Var(&s.schedulerArgs, "scheduler-arg", "a further flag of kube-scheduler (repeatable)")
	verbosity := f.String("v", "0", "verbosity of the components' logs on stderr")
	_ = f.Parse(args) // ExitOnError

	logFlags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(logFlags)
	_ = logFlags.Set("v", *verbosity)
	return s
}
