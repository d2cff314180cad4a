package main

import (
	"context"
	"fmt"
	"path/filepath"

	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	controllermanageroptions "k8s.io/kubernetes/cmd/kube-controller-manager/app/options"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	scheduleroptions "k8s.io/kubernetes/cmd/kube-scheduler/app/options"
)

func runControllerManager(ctx context.Context, dir string, qps int, further []string) error {
	s, err := controllermanageroptions.NewKubeControllerManagerOptions()
	if err != nil {
		return err
	}
	known := controllermanager.KnownControllers()
	off := controllermanager.ControllersDisabledByDefault()
	aliases := controllermanager.ControllerAliases()
	args := append([]string{
		"--kubeconfig=" + filepath.Join(dir, "controller-manager.kubeconfig"),
		"--leader-elect=false",
		"--secure-port=0",
		"--root-ca-file=" + filepath.Join(dir, "ca.crt"),
		"--service-account-private-key-file=" + filepath.Join(dir, "sa.key"),
		"--cluster-signing-cert-file=" + filepath.Join(dir, "ca.crt"),
		"--cluster-signing-key-file=" + filepath.Join(dir, "ca.key"),
		fmt.Sprintf("--kube-api-qps=%d", qps),
		fmt.Sprintf("--kube-api-burst=%d", 2*qps),
		"--use-service-account-credentials=false",
	}, further...)
	if err := joined(s.Flags(known, off, aliases)).Parse(args); err != nil {
		return err
	}
	config, err := s.Config(ctx, known, off, aliases)
	if err != nil {
		return err
	}
	return controllermanager.Run(ctx, config.Complete())
}

func runScheduler(ctx context.Context, dir string, qps int, further []string) error {
	o := scheduleroptions.NewOptions()
	args := append([]string{
		"--kubeconfig=" + filepath.Join(dir, "scheduler.kubeconfig"),
		"--leader-elect=false",
		"--secure-port=0",
		fmt.Sprintf("--kube-api-qps=%d", qps),
		fmt.Sprintf("--kube-api-burst=%d", 2*qps),
	}, further...)
	if err := joined(*o.Flags).Parse(args); err != nil {
		return err
	}
	config, s, err := scheduler.Setup(ctx, o)
	if err != nil {
		return err
	}
	return scheduler.Run(ctx, config, s)
}
