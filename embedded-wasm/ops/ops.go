// Package ops is the table of what the module can do.
package ops

import (
	extensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	"k8s.io/kubernetes/pkg/api/legacyscheme"

	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	_ "k8s.io/kubernetes/pkg/apis/coordination/install"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/discovery/install"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	_ "k8s.io/kubernetes/pkg/apis/rbac/install"
	_ "k8s.io/kubernetes/pkg/apis/scheduling/install"
	_ "k8s.io/kubernetes/pkg/apis/storage/install"

	"trueup.dev/embedded-wasm/abi"
	"trueup.dev/embedded-wasm/objects"
	"trueup.dev/embedded-wasm/schemas"
	"trueup.dev/embedded-wasm/tables"
)

func init() { extensions.Install(legacyscheme.Scheme) }

// Table has the operations by the names that the host calls them.
var Table = map[string]abi.Op{
	"write":      objects.Write,
	"scale":      objects.Scale,
	"define":     objects.Define,
	"undefine":   objects.Undefine,
	"table":      tables.Print,
	"components": schemas.Components,
	"protobuf":   objects.FromProtobuf,
}
