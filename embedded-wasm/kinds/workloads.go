package kinds

import (
	"context"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/api/job"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/apps"
	appsvalidation "k8s.io/kubernetes/pkg/apis/apps/validation"
	"k8s.io/kubernetes/pkg/apis/batch"
	batchvalidation "k8s.io/kubernetes/pkg/apis/batch/validation"
	api "k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/core/helper/qos"
	"k8s.io/kubernetes/pkg/apis/core/validation"
)

func podOptions(fresh, old *api.Pod) validation.PodValidationOptions {
	var oldSpec *api.PodSpec
	var oldMeta *metav1.ObjectMeta
	if old != nil {
		oldSpec, oldMeta = &old.Spec, &old.ObjectMeta
	}
	options := podutil.GetValidationOptionsFromPodSpecAndMeta(&fresh.Spec, oldSpec, &fresh.ObjectMeta, oldMeta)
	options.ResourceIsPod = true
	return options
}

var podBase = newOwn("v1", own{
	namespaced: true,
	hasStatus:  true,
	counts:     true,
	prepare: func(fresh, old runtime.Object) {
		pod := fresh.(*api.Pod)
		if old != nil {
			podutil.DropDisabledPodFields(pod, old.(*api.Pod))
			return
		}
		pod.Status = api.PodStatus{Phase: api.PodPending, QOSClass: qos.GetPodQOS(pod)}
		podutil.DropDisabledPodFields(pod, nil)
	},
	validate: func(object runtime.Object) field.ErrorList {
		return validation.ValidatePodCreate(object.(*api.Pod), podOptions(object.(*api.Pod), nil))
	},
	validateAgain: func(fresh, old runtime.Object) field.ErrorList {
		after, before := fresh.(*api.Pod), old.(*api.Pod)
		return validation.ValidatePodUpdate(after, before, podOptions(after, before))
	},
	warnings: func(fresh, old runtime.Object) []string {
		if old != nil {
			return nil
		}
		return podutil.GetWarningsForPod(context.Background(), fresh.(*api.Pod), nil)
	},
})
var pod = Kind{Strategy: podBase, Status: ownStatus{own: podBase,
	prepareStatus: func(fresh, old runtime.Object) {
		after, before := fresh.(*api.Pod), old.(*api.Pod)
		after.DeletionTimestamp = nil
		after.OwnerReferences = before.OwnerReferences
		if after.Status.QOSClass == "" {
			after.Status.QOSClass = before.Status.QOSClass
		}
	},
	validateStatus: func(fresh, old runtime.Object) field.ErrorList {
		after, before := fresh.(*api.Pod), old.(*api.Pod)
		return validation.ValidatePodStatusUpdate(after, before, podOptions(after, before))
	}}}

var replicaSetBase = newOwn("apps/v1", own{
	namespaced: true,
	hasStatus:  true,
	counts:     true,
	prepare: func(fresh, old runtime.Object) {
		var before *api.PodTemplateSpec
		if old != nil {
			before = &old.(*apps.ReplicaSet).Spec.Template
		}
		podutil.DropDisabledTemplateFields(&fresh.(*apps.ReplicaSet).Spec.Template, before)
	},
	validate: func(object runtime.Object) field.ErrorList {
		set := object.(*apps.ReplicaSet)
		return appsvalidation.ValidateReplicaSet(set, podutil.GetValidationOptionsFromPodTemplate(&set.Spec.Template, nil))
	},
	validateAgain: func(fresh, old runtime.Object) field.ErrorList {
		after, before := fresh.(*apps.ReplicaSet), old.(*apps.ReplicaSet)
		return appsvalidation.ValidateReplicaSetUpdate(after, before,
			podutil.GetValidationOptionsFromPodTemplate(&after.Spec.Template, &before.Spec.Template))
	},
})
var replicaSet = Kind{Strategy: replicaSetBase, Status: ownStatus{own: replicaSetBase,
	validateStatus: both(appsvalidation.ValidateReplicaSetStatusUpdate)}}

var jobBase = newOwn("batch/v1", own{
	namespaced: true,
	hasStatus:  true,
	counts:     true,
	prepare: func(fresh, old runtime.Object) {
		task := fresh.(*batch.Job)
		if old != nil {
			podutil.DropDisabledTemplateFields(&task.Spec.Template, &old.(*batch.Job).Spec.Template)
			return
		}
		selectOwnPods(task)
		podutil.DropDisabledTemplateFields(&task.Spec.Template, nil)
	},
	validate: func(object runtime.Object) field.ErrorList {
		return batchvalidation.ValidateJob(object.(*batch.Job), jobOptions(object.(*batch.Job), nil))
	},
	validateAgain: func(fresh, old runtime.Object) field.ErrorList {
		after, before := fresh.(*batch.Job), old.(*batch.Job)
		options := jobOptions(after, before)
		return append(batchvalidation.ValidateJob(after, options),
			batchvalidation.ValidateJobUpdate(after, before, options)...)
	},
	warnings: func(fresh, old runtime.Object) []string {
		var before *batch.JobSpec
		if old != nil {
			before = &old.(*batch.Job).Spec
			if apiequality.Semantic.DeepEqual(fresh.(*batch.Job).Spec, *before) {
				return nil
			}
		}
		return job.WarningsForJobSpec(context.Background(), field.NewPath("spec"), &fresh.(*batch.Job).Spec, before)
	},
})
var jobStatus = ownStatus{own: jobBase, validateStatus: func(fresh, old runtime.Object) field.ErrorList {
	// The job controller sets SuccessCriteriaMet on every job that completes, not only where a policy says so.
	return batchvalidation.ValidateJobUpdateStatus(fresh.(*batch.Job), old.(*batch.Job),
		batchvalidation.JobStatusValidationOptions{AllowForSuccessCriteriaMetInExtendedScope: true})
}}

// `job` is the official package's name.
var jobKind = Kind{Strategy: jobBase, Status: jobStatus}

func jobOptions(fresh, old *batch.Job) batchvalidation.JobValidationOptions {
	options := batchvalidation.JobValidationOptions{RequirePrefixedLabels: true}
	if old == nil {
		options.PodValidationOptions = podutil.GetValidationOptionsFromPodTemplate(&fresh.Spec.Template, nil)
		return options
	}
	options.PodValidationOptions = podutil.GetValidationOptionsFromPodTemplate(&fresh.Spec.Template, &old.Spec.Template)
	suspended := old.Spec.Suspend != nil && *old.Spec.Suspend
	options.AllowMutableSchedulingDirectives = suspended && old.Status.StartTime == nil
	_, named := old.Spec.Template.Labels[batch.JobNameLabel]
	_, controlled := old.Spec.Template.Labels[batch.ControllerUidLabel]
	options.RequirePrefixedLabels = named && controlled
	return options
}

// A job that names no selector selects the pods that it makes: by its name and its UID.
func selectOwnPods(task *batch.Job) {
	if task.Spec.ManualSelector != nil && *task.Spec.ManualSelector {
		return
	}
	if task.Spec.Template.Labels == nil {
		task.Spec.Template.Labels = map[string]string{}
	}
	for label, value := range map[string]string{
		batch.LegacyJobNameLabel: task.Name, batch.JobNameLabel: task.Name,
		batch.LegacyControllerUidLabel: string(task.UID), batch.ControllerUidLabel: string(task.UID),
	} {
		if _, given := task.Spec.Template.Labels[label]; !given {
			task.Spec.Template.Labels[label] = value
		}
	}
	if task.Spec.Selector == nil {
		task.Spec.Selector = &metav1.LabelSelector{}
	}
	if task.Spec.Selector.MatchLabels == nil {
		task.Spec.Selector.MatchLabels = map[string]string{}
	}
	if _, given := task.Spec.Selector.MatchLabels[batch.ControllerUidLabel]; !given {
		task.Spec.Selector.MatchLabels[batch.ControllerUidLabel] = string(task.UID)
	}
}
