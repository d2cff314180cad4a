package objects

import (
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
)

func init() {
	metav1.AddToGroupVersion(legacyscheme.Scheme, metav1.Unversioned)
}

var protobufs = protobuf.NewSerializer(legacyscheme.Scheme, legacyscheme.Scheme)

// FromProtobuf gives an object that a client sent in Kubernetes' protobuf as the JSON that it stands for.
func FromProtobuf(options json.RawMessage) (any, error) {
	var body []byte
	if err := json.Unmarshal(options, &body); err != nil {
		return nil, err
	}
	object, kind, err := protobufs.Decode(body, nil, nil)
	if err != nil {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("the body cannot be read as protobuf: %v", err))
	}
	object.GetObjectKind().SetGroupVersionKind(*kind)
	text, err := json.Marshal(object)
	return string(text), err
}
