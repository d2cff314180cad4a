package helm

import (
	"encoding/json"
	"errors"
	"reflect"
	"sort"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// What these give is another thing each time: the result is flagged, and kept for as long as its inputs stay.
var randomFunctions = []string{
	"bcrypt", "encryptAES", "genCA", "genCAWithKey", "genPrivateKey", "genSelfSignedCert", "genSelfSignedCertWithKey",
	"genSignedCert", "genSignedCertWithKey", "htpasswd", "now", "ago", "randAlpha", "randAlphaNum", "randAscii",
	"randBytes", "randInt", "randNumeric", "shuffle", "uuidv4",
}

// functions wraps what has to be noticed; everything else is the engine's own.
func (r *rendering) functions() template.FuncMap {
	functions := template.FuncMap{"lookup": r.lookup}
	official := sprig.TxtFuncMap()
	for _, name := range randomFunctions {
		if function, there := official[name]; there {
			functions[name] = r.noticed(name, function)
		}
	}
	return functions
}

func (r *rendering) noticed(name string, function any) any {
	original := reflect.ValueOf(function)
	return reflect.MakeFunc(original.Type(), func(arguments []reflect.Value) []reflect.Value {
		r.random[name] = true
		if original.Type().IsVariadic() {
			return original.CallSlice(arguments)
		}
		return original.Call(arguments)
	}).Interface()
}

func (r *rendering) randomNames() []string {
	names := make([]string, 0, len(r.random))
	for name := range r.random {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// errLookupNeeded ends an attempt at the first lookup that the host has not answered: what a template would ask for next
// may depend on the answer.
var errLookupNeeded = errors.New("not looked up yet")

// lookup answers from what was handed over, and says what it was asked.
func (r *rendering) lookup(apiVersion, kind, namespace, name string) (map[string]any, error) {
	text, err := json.Marshal([]string{apiVersion, kind, namespace, name})
	if err != nil {
		return nil, err
	}
	key := string(text)
	r.files.Lookup(key)
	object := map[string]any{}
	if r.options.Lookup == nil {
		return object, nil
	}
	answer, known := r.options.Lookup[key]
	if !known {
		r.files.NeedLookup(key)
		return nil, errLookupNeeded
	}
	if answer == "" {
		return object, nil
	}
	// As Kubernetes' own clients decode objects: integers stay integers.
	return object, utiljson.Unmarshal([]byte(answer), &object)
}
