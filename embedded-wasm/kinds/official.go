package kinds

import (
	"k8s.io/kubernetes/pkg/registry/apps/controllerrevision"
	"k8s.io/kubernetes/pkg/registry/apps/daemonset"
	"k8s.io/kubernetes/pkg/registry/apps/deployment"
	"k8s.io/kubernetes/pkg/registry/apps/statefulset"
	"k8s.io/kubernetes/pkg/registry/autoscaling/horizontalpodautoscaler"
	"k8s.io/kubernetes/pkg/registry/batch/cronjob"
	"k8s.io/kubernetes/pkg/registry/coordination/lease"
	"k8s.io/kubernetes/pkg/registry/core/endpoint"
	"k8s.io/kubernetes/pkg/registry/core/limitrange"
	"k8s.io/kubernetes/pkg/registry/core/resourcequota"
	"k8s.io/kubernetes/pkg/registry/discovery/endpointslice"
	"k8s.io/kubernetes/pkg/registry/networking/ingress"
	"k8s.io/kubernetes/pkg/registry/networking/ingressclass"
	"k8s.io/kubernetes/pkg/registry/networking/networkpolicy"
	"k8s.io/kubernetes/pkg/registry/policy/poddisruptionbudget"
	"k8s.io/kubernetes/pkg/registry/rbac/clusterrole"
	"k8s.io/kubernetes/pkg/registry/rbac/clusterrolebinding"
	"k8s.io/kubernetes/pkg/registry/rbac/role"
	"k8s.io/kubernetes/pkg/registry/rbac/rolebinding"
	"k8s.io/kubernetes/pkg/registry/scheduling/priorityclass"
	"k8s.io/kubernetes/pkg/registry/storage/storageclass"
)

// Table has the built-in kinds by `group/version/Kind`; the core group is empty.
var Table = map[string]Kind{
	"/v1/ConfigMap":             configMap,
	"/v1/Secret":                secret,
	"/v1/Namespace":             namespace,
	"/v1/Service":               service,
	"/v1/ServiceAccount":        serviceAccount,
	"/v1/Node":                  node,
	"/v1/PersistentVolume":      persistentVolume,
	"/v1/PersistentVolumeClaim": persistentVolumeClaim,
	"/v1/Event":                 event,
	"/v1/Pod":                   pod,
	"/v1/Endpoints":             {Strategy: endpoint.Strategy},
	"/v1/LimitRange":            {Strategy: limitrange.Strategy},
	"/v1/ResourceQuota":         {Strategy: resourcequota.Strategy, Status: resourcequota.StatusStrategy},

	"apps/v1/Deployment":         {Strategy: deployment.Strategy, Status: deployment.StatusStrategy},
	"apps/v1/StatefulSet":        {Strategy: statefulset.Strategy, Status: statefulset.StatusStrategy},
	"apps/v1/DaemonSet":          {Strategy: daemonset.Strategy, Status: daemonset.StatusStrategy},
	"apps/v1/ControllerRevision": {Strategy: controllerrevision.Strategy},
	"apps/v1/ReplicaSet":         replicaSet,

	"batch/v1/Job":     jobKind,
	"batch/v1/CronJob": {Strategy: cronjob.Strategy, Status: cronjob.StatusStrategy},

	"autoscaling/v2/HorizontalPodAutoscaler": {
		Strategy: horizontalpodautoscaler.Strategy, Status: horizontalpodautoscaler.StatusStrategy},
	"policy/v1/PodDisruptionBudget": {
		Strategy: poddisruptionbudget.Strategy, Status: poddisruptionbudget.StatusStrategy},
	"networking.k8s.io/v1/Ingress":       {Strategy: ingress.Strategy, Status: ingress.StatusStrategy},
	"networking.k8s.io/v1/IngressClass":  {Strategy: ingressclass.Strategy},
	"networking.k8s.io/v1/NetworkPolicy": {Strategy: networkpolicy.Strategy},

	"rbac.authorization.k8s.io/v1/Role":               {Strategy: role.Strategy},
	"rbac.authorization.k8s.io/v1/RoleBinding":        {Strategy: rolebinding.Strategy},
	"rbac.authorization.k8s.io/v1/ClusterRole":        {Strategy: clusterrole.Strategy},
	"rbac.authorization.k8s.io/v1/ClusterRoleBinding": {Strategy: clusterrolebinding.Strategy},

	"storage.k8s.io/v1/StorageClass":     {Strategy: storageclass.Strategy},
	"scheduling.k8s.io/v1/PriorityClass": {Strategy: priorityclass.Strategy},
	"coordination.k8s.io/v1/Lease":       {Strategy: lease.Strategy},
	"discovery.k8s.io/v1/EndpointSlice":  {Strategy: endpointslice.Strategy},

	"apiextensions.k8s.io/v1/CustomResourceDefinition": customResourceDefinition,
}
