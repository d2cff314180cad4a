package helm

import (
	"encoding/json"
	"reflect"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
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

// lookup answers from what was handed over, and says what it was asked.
func (r *rendering) lookup(apiVersion, kind, namespace, name string) (map[string]any, error) {
	key := strings.Join([]string{apiVersion, kind, namespace, name}, "|")
	r.files.Lookup(key)
	if r.options.Lookup == nil {
		return map[string]any{}, nil
	}
	text, known := r.options.Lookup[key]
	if !known {
		r.files.NeedLookup(key)
		return map[string]any{}, nil
	}
	object := map[string]any{}
	if string(text) == "null" {
		return object, nil
	}
	return object, json.Unmarshal(text, &object)
}
