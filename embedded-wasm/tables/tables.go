// Package tables prints objects as the API server does for `kubectl get`.
package tables

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/registry/customresource/tableconvertor"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/printers"
	internal "k8s.io/kubernetes/pkg/printers/internalversion"
)

type request struct {
	Group   string            `json:"group"`
	Version string            `json:"version"`
	Kind    string            `json:"kind"`
	Objects []json.RawMessage `json:"objects"`
	// Of custom kinds; absent for built-in ones.
	Columns []apiextensionsv1.CustomResourceColumnDefinition `json:"columns"`
	Custom  bool                                             `json:"custom"`
}

var generator = printers.NewTableGenerator().With(internal.AddHandlers)

// Print answers the columns and the cells of each object, in order.
func Print(options json.RawMessage) (any, error) {
	var asked request
	if err := json.Unmarshal(options, &asked); err != nil {
		return nil, err
	}
	table, err := asked.table()
	if err != nil {
		return nil, err
	}
	rows := make([][]any, 0, len(table.Rows))
	for _, row := range table.Rows {
		rows = append(rows, row.Cells)
	}
	return map[string]any{"columns": table.ColumnDefinitions, "rows": rows}, nil
}

func (r request) table() (*metav1.Table, error) {
	if r.Custom {
		return r.customTable()
	}
	gvk := schema.GroupVersionKind{Group: r.Group, Version: r.Version, Kind: r.Kind}
	hub := schema.GroupVersion{Group: r.Group, Version: runtime.APIVersionInternal}
	list, err := legacyscheme.Scheme.New(hub.WithKind(r.Kind + "List"))
	if err != nil {
		return nil, err
	}
	items := make([]runtime.Object, 0, len(r.Objects))
	for _, text := range r.Objects {
		object, _, err := legacyscheme.Codecs.UniversalDeserializer().Decode(text, &gvk, nil)
		if err != nil {
			return nil, err
		}
		item, err := legacyscheme.Scheme.ConvertToVersion(object, hub)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	if err := meta.SetList(list, items); err != nil {
		return nil, err
	}
	table, err := generator.GenerateTable(list, printers.GenerateOptions{Wide: true})
	if err != nil {
		return r.plainTable(items)
	}
	return table, nil
}

// plainTable is for kinds without columns of their own: their names and when they were created.
func (r request) plainTable(items []runtime.Object) (*metav1.Table, error) {
	convertor, err := tableconvertor.New(nil)
	if err != nil {
		return nil, err
	}
	table, err := convertor.ConvertToTable(context.Background(), &metav1.List{Items: raw(items)}, nil)
	if err != nil {
		return nil, err
	}
	table.ColumnDefinitions = append(table.ColumnDefinitions, metav1.TableColumnDefinition{
		Name: "Created At", Type: "date", Description: metav1.ObjectMeta{}.SwaggerDoc()["creationTimestamp"]})
	for index, item := range items {
		object, err := meta.Accessor(item)
		if err != nil {
			return nil, err
		}
		created := object.GetCreationTimestamp().UTC().Format(time.RFC3339)
		table.Rows[index].Cells = append(table.Rows[index].Cells, created)
	}
	return table, nil
}

func raw(items []runtime.Object) []runtime.RawExtension {
	list := make([]runtime.RawExtension, 0, len(items))
	for _, item := range items {
		list = append(list, runtime.RawExtension{Object: item})
	}
	return list
}

func (r request) customTable() (*metav1.Table, error) {
	convertor, err := tableconvertor.New(r.Columns)
	if err != nil {
		return nil, fmt.Errorf("the printer columns of %s: %w", r.Kind, err)
	}
	list := &unstructured.UnstructuredList{Object: map[string]any{"apiVersion": r.Group + "/" + r.Version, "kind": r.Kind + "List"}}
	for _, text := range r.Objects {
		item := unstructured.Unstructured{}
		if err := item.UnmarshalJSON(text); err != nil {
			return nil, err
		}
		list.Items = append(list.Items, item)
	}
	return convertor.ConvertToTable(context.Background(), list, nil)
}
