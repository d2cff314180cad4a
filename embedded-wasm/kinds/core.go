package kinds

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	pvutil "k8s.io/kubernetes/pkg/api/persistentvolume"
	pvcutil "k8s.io/kubernetes/pkg/api/persistentvolumeclaim"
	serviceapi "k8s.io/kubernetes/pkg/api/service"
	api "k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/core/validation"
)

func same[T runtime.Object](check func(T) field.ErrorList) func(runtime.Object) field.ErrorList {
	return func(object runtime.Object) field.ErrorList { return check(object.(T)) }
}

func both[T runtime.Object](check func(fresh, old T) field.ErrorList) func(fresh, old runtime.Object) field.ErrorList {
	return func(fresh, old runtime.Object) field.ErrorList { return check(fresh.(T), old.(T)) }
}

var configMap = Kind{Strategy: newOwn("v1", own{
	namespaced:    true,
	validate:      same(validation.ValidateConfigMap),
	validateAgain: both(validation.ValidateConfigMapUpdate),
})}

var secret = Kind{Strategy: newOwn("v1", own{
	namespaced: true,
	prepare: func(fresh, old runtime.Object) {
		if old != nil && fresh.(*api.Secret).Type == "" {
			fresh.(*api.Secret).Type = old.(*api.Secret).Type
		}
	},
	validate:      same(validation.ValidateSecret),
	validateAgain: both(validation.ValidateSecretUpdate),
})}

var serviceAccount = Kind{Strategy: newOwn("v1", own{
	namespaced: true,
	prepare: func(fresh, _ runtime.Object) {
		account := fresh.(*api.ServiceAccount)
		for index, reference := range account.Secrets {
			account.Secrets[index] = api.ObjectReference{Name: reference.Name}
		}
	},
	validate:      same(validation.ValidateServiceAccount),
	validateAgain: both(validation.ValidateServiceAccountUpdate),
})}

var namespaceBase = newOwn("v1", own{
	hasStatus: true,
	prepare: func(fresh, old runtime.Object) {
		namespace := fresh.(*api.Namespace)
		if old != nil {
			namespace.Spec.Finalizers = old.(*api.Namespace).Spec.Finalizers
			return
		}
		namespace.Status.Phase = api.NamespaceActive
		for _, finalizer := range namespace.Spec.Finalizers {
			if finalizer == api.FinalizerKubernetes {
				return
			}
		}
		namespace.Spec.Finalizers = append(namespace.Spec.Finalizers, api.FinalizerKubernetes)
	},
	validate: same(validation.ValidateNamespace),
	validateAgain: func(fresh, old runtime.Object) field.ErrorList {
		return append(validation.ValidateNamespace(fresh.(*api.Namespace)),
			validation.ValidateNamespaceUpdate(fresh.(*api.Namespace), old.(*api.Namespace))...)
	},
	canonicalize: func(object runtime.Object) {
		namespace := object.(*api.Namespace)
		if namespace.Labels == nil {
			namespace.Labels = map[string]string{}
		}
		namespace.Labels["kubernetes.io/metadata.name"] = namespace.Name
	},
})
var namespace = Kind{Strategy: namespaceBase, Status: ownStatus{own: namespaceBase,
	validateStatus: both(validation.ValidateNamespaceStatusUpdate)}}

var serviceBase = newOwn("v1", own{
	namespaced:  true,
	hasStatus:   true,
	createOnPut: true,
	prepare:     prepareService,
	validate:    same(validation.ValidateServiceCreate),
	validateAgain: func(fresh, old runtime.Object) field.ErrorList {
		return validation.ValidateServiceUpdate(fresh.(*api.Service), old.(*api.Service))
	},
	warnings: func(fresh, old runtime.Object) []string {
		if old == nil {
			return serviceapi.GetWarningsForService(fresh.(*api.Service), nil)
		}
		return serviceapi.GetWarningsForService(fresh.(*api.Service), old.(*api.Service))
	},
})
var service = Kind{Strategy: serviceBase, Status: ownStatus{own: serviceBase,
	validateStatus: both(validation.ValidateServiceStatusUpdate)}}

// What the API server's allocators own stays when a client that does not know of it updates the service.
func prepareService(fresh, old runtime.Object) {
	if old == nil {
		return
	}
	after, before := fresh.(*api.Service), old.(*api.Service)
	if after.Spec.Type == api.ServiceTypeExternalName || before.Spec.Type == api.ServiceTypeExternalName {
		return
	}
	sameAddresses := slices.Equal(after.Spec.ClusterIPs, before.Spec.ClusterIPs)
	switch {
	case after.Spec.ClusterIP == "" && len(after.Spec.ClusterIPs) == 0:
		after.Spec.ClusterIP, after.Spec.ClusterIPs = before.Spec.ClusterIP, before.Spec.ClusterIPs
	case len(after.Spec.ClusterIPs) == 0, after.Spec.ClusterIP != before.Spec.ClusterIP && sameAddresses:
		// A client that knows of one address only.
		after.Spec.ClusterIPs = []string{after.Spec.ClusterIP}
	case after.Spec.ClusterIP == before.Spec.ClusterIP && !sameAddresses:
		after.Spec.ClusterIP = after.Spec.ClusterIPs[0]
	}
	if len(after.Spec.IPFamilies) == 0 {
		after.Spec.IPFamilies = before.Spec.IPFamilies
	}
	if after.Spec.IPFamilyPolicy == nil {
		after.Spec.IPFamilyPolicy = before.Spec.IPFamilyPolicy
	}
	if after.Spec.Type == api.ServiceTypeClusterIP && before.Spec.Type != api.ServiceTypeClusterIP {
		for index := range after.Spec.Ports {
			after.Spec.Ports[index].NodePort = 0
		}
		after.Spec.ExternalTrafficPolicy = ""
		after.Spec.AllocateLoadBalancerNodePorts = nil
		return
	}
}

var nodeBase = newOwn("v1", own{
	hasStatus: false,
	prepare: func(fresh, old runtime.Object) {
		if old != nil {
			fresh.(*api.Node).Status = old.(*api.Node).Status
		}
	},
	validate: same(validation.ValidateNode),
	validateAgain: func(fresh, old runtime.Object) field.ErrorList {
		return append(validation.ValidateNode(fresh.(*api.Node)),
			validation.ValidateNodeUpdate(fresh.(*api.Node), old.(*api.Node))...)
	},
})
var node = Kind{Strategy: nodeBase, Status: ownStatus{own: nodeBase, validateStatus: both(validation.ValidateNodeUpdate)}}

var persistentVolumeBase = newOwn("v1", own{
	hasStatus: true,
	prepare: func(fresh, old runtime.Object) {
		volume := fresh.(*api.PersistentVolume)
		if old != nil {
			pvutil.DropDisabledSpecFields(&volume.Spec, &old.(*api.PersistentVolume).Spec)
			return
		}
		pvutil.DropDisabledSpecFields(&volume.Spec, nil)
		now := metav1.Now()
		volume.Status = api.PersistentVolumeStatus{Phase: api.VolumePending, LastPhaseTransitionTime: &now}
	},
	validate: func(object runtime.Object) field.ErrorList {
		volume := object.(*api.PersistentVolume)
		return validation.ValidatePersistentVolume(volume, validation.ValidationOptionsForPersistentVolume(volume, nil))
	},
	validateAgain: func(fresh, old runtime.Object) field.ErrorList {
		after, before := fresh.(*api.PersistentVolume), old.(*api.PersistentVolume)
		options := validation.ValidationOptionsForPersistentVolume(after, before)
		return append(validation.ValidatePersistentVolume(after, options),
			validation.ValidatePersistentVolumeUpdate(after, before, options)...)
	},
})
var persistentVolume = Kind{Strategy: persistentVolumeBase, Status: ownStatus{own: persistentVolumeBase,
	validateStatus: both(validation.ValidatePersistentVolumeStatusUpdate)}}

var claimBase = newOwn("v1", own{
	namespaced: true,
	hasStatus:  true,
	prepare: func(fresh, old runtime.Object) {
		claim := fresh.(*api.PersistentVolumeClaim)
		var before *api.PersistentVolumeClaimSpec
		if old != nil {
			before = &old.(*api.PersistentVolumeClaim).Spec
		} else {
			claim.Status.Phase = api.ClaimPending
		}
		pvcutil.DropDisabledFields(&claim.Spec, before)
		pvcutil.EnforceDataSourceBackwardsCompatibility(&claim.Spec, before)
		pvcutil.NormalizeDataSources(&claim.Spec)
	},
	validate: func(object runtime.Object) field.ErrorList {
		claim := object.(*api.PersistentVolumeClaim)
		return validation.ValidatePersistentVolumeClaim(claim, validation.ValidationOptionsForPersistentVolumeClaim(claim, nil))
	},
	validateAgain: func(fresh, old runtime.Object) field.ErrorList {
		after, before := fresh.(*api.PersistentVolumeClaim), old.(*api.PersistentVolumeClaim)
		return validation.ValidatePersistentVolumeClaimUpdate(after, before,
			validation.ValidationOptionsForPersistentVolumeClaim(after, before))
	},
})
var persistentVolumeClaim = Kind{Strategy: claimBase, Status: ownStatus{own: claimBase,
	validateStatus: func(fresh, old runtime.Object) field.ErrorList {
		after, before := fresh.(*api.PersistentVolumeClaim), old.(*api.PersistentVolumeClaim)
		return validation.ValidatePersistentVolumeClaimStatusUpdate(after, before,
			validation.ValidationOptionsForPersistentVolumeClaim(after, before))
	}}}

var eventVersion = schema.GroupVersion{Version: "v1"}
var event = Kind{Strategy: newOwn("v1", own{
	namespaced:  true,
	createOnPut: true,
	validate: func(object runtime.Object) field.ErrorList {
		return validation.ValidateEventCreate(object.(*api.Event), eventVersion)
	},
	validateAgain: func(fresh, old runtime.Object) field.ErrorList {
		return validation.ValidateEventUpdate(fresh.(*api.Event), old.(*api.Event), eventVersion)
	},
})}
