package objects

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
	api "k8s.io/kubernetes/pkg/apis/core"
)

// Allocation is what the host hands out to Services, as the allocators of the API server do.
type Allocation struct {
	ClusterIP string `json:"clusterIP"`
	// As many as a Service has ports that need one.
	NodePorts []int32 `json:"nodePorts"`
}

// admit does what the default admission plugins of the API server and its allocators do to new objects.
func admit(object runtime.Object, give Allocation) {
	switch fresh := object.(type) {
	case *api.Pod:
		admitPod(fresh)
	case *api.Service:
		allocate(fresh, give)
	case *api.PersistentVolumeClaim:
		protect(&fresh.Finalizers, "kubernetes.io/pvc-protection")
	case *api.PersistentVolume:
		protect(&fresh.Finalizers, "kubernetes.io/pv-protection")
	}
}

func admitUpdate(object, old runtime.Object, give Allocation) {
	after, ok := object.(*api.Service)
	if !ok {
		return
	}
	before := old.(*api.Service)
	if after.Spec.ClusterIP == "" {
		after.Spec.ClusterIP, after.Spec.ClusterIPs = before.Spec.ClusterIP, before.Spec.ClusterIPs
	}
	for index := range after.Spec.Ports {
		for _, known := range before.Spec.Ports {
			port := &after.Spec.Ports[index]
			if port.NodePort == 0 && known.Port == port.Port && known.Protocol == port.Protocol && needsNodePorts(after) {
				port.NodePort = known.NodePort
			}
		}
	}
	allocate(after, give)
}

func protect(finalizers *[]string, finalizer string) {
	if !slices.Contains(*finalizers, finalizer) {
		*finalizers = append(*finalizers, finalizer)
	}
}

func admitPod(pod *api.Pod) {
	if pod.Spec.ServiceAccountName == "" {
		pod.Spec.ServiceAccountName = "default"
	}
	if pod.Spec.Priority == nil {
		priority, policy := int32(0), api.PreemptLowerPriority
		pod.Spec.Priority, pod.Spec.PreemptionPolicy = &priority, &policy
	}
	seconds := int64(300)
	for _, key := range []string{"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"} {
		if !slices.ContainsFunc(pod.Spec.Tolerations, func(t api.Toleration) bool {
			return t.Key == key && (t.Effect == "" || t.Effect == api.TaintEffectNoExecute)
		}) {
			pod.Spec.Tolerations = append(pod.Spec.Tolerations, api.Toleration{
				Key: key, Operator: api.TolerationOpExists, Effect: api.TaintEffectNoExecute, TolerationSeconds: &seconds})
		}
	}
}

func needsNodePorts(service *api.Service) bool {
	if service.Spec.Type == api.ServiceTypeLoadBalancer {
		return service.Spec.AllocateLoadBalancerNodePorts == nil || *service.Spec.AllocateLoadBalancerNodePorts
	}
	return service.Spec.Type == api.ServiceTypeNodePort
}

func allocate(service *api.Service, give Allocation) {
	if service.Spec.Type == api.ServiceTypeExternalName {
		return
	}
	if service.Spec.ClusterIP == "" && len(service.Spec.ClusterIPs) == 0 {
		service.Spec.ClusterIP = give.ClusterIP
	}
	if len(service.Spec.ClusterIPs) == 0 && service.Spec.ClusterIP != "" {
		service.Spec.ClusterIPs = []string{service.Spec.ClusterIP}
	}
	if service.Spec.ClusterIP == "" && len(service.Spec.ClusterIPs) > 0 {
		service.Spec.ClusterIP = service.Spec.ClusterIPs[0]
	}
	if service.Spec.IPFamilyPolicy == nil {
		single := api.IPFamilyPolicySingleStack
		service.Spec.IPFamilyPolicy = &single
	}
	if len(service.Spec.IPFamilies) == 0 {
		service.Spec.IPFamilies = []api.IPFamily{api.IPv4Protocol}
	}
	if !needsNodePorts(service) {
		return
	}
	ports := give.NodePorts
	for index := range service.Spec.Ports {
		if service.Spec.Ports[index].NodePort == 0 && len(ports) > 0 {
			service.Spec.Ports[index].NodePort, ports = ports[0], ports[1:]
		}
	}
}
