// Package tree is the file system that everything is read from: the part of a Git tree that the host has handed over.
// It asks for what it lacks, and keeps the trace: every file that was read, every directory that was listed, and
// everything that was looked for and is not there. Paths are relative to the repository's root, `/` between parts;
// the root itself is "".
package tree

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"sort"
	"strings"
)

// ErrNeeded stands for "the host has not said yet".
var ErrNeeded = errors.New("not handed over yet")

// Need is what the host has to hand over before the next attempt.
type Need struct {
	// Nodes are paths of which it is not known what they are, or directories of which it is not known what is in them.
	Nodes []string `json:"nodes,omitempty"`
	// Files are paths of files whose content is missing.
	Files []string `json:"files,omitempty"`
	// Lookups are objects of the cluster, and where the first of them is asked for, if that is known.
	Lookups []string `json:"lookups,omitempty"`
	Path    string   `json:"path,omitempty"`
	Line    int      `json:"line,omitempty"`
	// Remotes are repositories that files name.
	Remotes []Remote `json:"remotes,omitempty"`
}

// Trace is what was read.
type Trace struct {
	Files    []string `json:"files"`
	Listings []string `json:"listings"`
	Absent   []string `json:"absent"`
	Lookups  []string `json:"lookups,omitempty"`
}

type node struct {
	// Content is nil while only the file's existence is known.
	content []byte
	isFile  bool
	isDir   bool
	// children: file name → is a directory. Nil while unknown.
	children map[string]bool
}

// Tree is not safe for use by several goroutines.
type Tree struct {
	nodes   map[string]*node
	overlay map[string][]byte
	mounts  []mount
	needed  struct {
		nodes, files, lookups map[string]bool
		path                  string
		line                  int
		remotes               []Remote
	}
	read struct{ files, listings, absent, lookups map[string]bool }
}

type layout struct {
	// Directories: path → names of what is in it, directories with a `/` at the end.
	Directories map[string][]string `json:"directories"`
	// Files whose content follows the header, in this order.
	Files []struct {
		Path  string `json:"path"`
		Bytes int    `json:"bytes"`
	} `json:"files"`
	// Known: paths that are files, without content.
	Known []string `json:"known"`
	// Absent: paths where there is nothing.
	Absent []string `json:"absent"`
	// Mounts: directories that stand for other repositories.
	Mounts []mount `json:"mounts"`
}

// Parse reads the header's `tree` member and the contents that follow the header.
func Parse(header json.RawMessage, contents []byte) (*Tree, error) {
	t := New()
	if len(header) == 0 {
		return t, nil
	}
	var parsed layout
	if err := json.Unmarshal(header, &parsed); err != nil {
		return nil, err
	}
	t.mounts = parsed.Mounts
	for _, absent := range parsed.Absent {
		t.nodes[absent] = &node{}
	}
	for _, known := range parsed.Known {
		t.nodes[known] = &node{isFile: true}
	}
	for directory, names := range parsed.Directories {
		t.addDirectory(directory, names)
	}
	for _, file := range parsed.Files {
		if file.Bytes < 0 || file.Bytes > len(contents) {
			return nil, fmt.Errorf("the content of %s is cut off", file.Path)
		}
		t.nodes[file.Path] = &node{isFile: true, content: contents[:file.Bytes:file.Bytes]}
		contents = contents[file.Bytes:]
	}
	return t, nil
}

// New gives a tree of which nothing is known.
func New() *Tree {
	t := &Tree{nodes: map[string]*node{}, overlay: map[string][]byte{}}
	t.needed.nodes, t.needed.files, t.needed.lookups = map[string]bool{}, map[string]bool{}, map[string]bool{}
	t.read.files, t.read.listings, t.read.absent, t.read.lookups = map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	return t
}

// FromFiles gives a tree that is known whole: for tests and for the native command.
func FromFiles(files map[string][]byte) *Tree {
	t := New()
	names := map[string]map[string]bool{"": {}}
	for name, content := range files {
		t.nodes[name] = &node{isFile: true, content: append([]byte{}, content...)}
		for child := name; child != ""; {
			parent := Parent(child)
			if names[parent] == nil {
				names[parent] = map[string]bool{}
			}
			base := path.Base(child)
			if child != name {
				base += "/"
			}
			names[parent][base] = true
			child = parent
		}
	}
	for directory, entries := range names {
		t.addDirectory(directory, sorted(entries))
	}
	return t
}

func (t *Tree) addDirectory(directory string, names []string) {
	children := make(map[string]bool, len(names))
	for _, name := range names {
		children[strings.TrimSuffix(name, "/")] = strings.HasSuffix(name, "/")
	}
	t.nodes[directory] = &node{isDir: true, children: children}
}

// Parent is "" for what lies in the root, and for the root.
func Parent(name string) string {
	parent := path.Dir(name)
	if parent == "." || parent == "/" {
		return ""
	}
	return parent
}

// Clean gives the path relative to the root of a path that may be absolute (from the root) or contain `..`.
// Nothing lies above the root: `..` there is an error (S2).
func Clean(name string) (string, error) {
	parts := []string{}
	for part := range strings.SplitSeq(name, "/") {
		switch part {
		case "", ".":
		case "..":
			if len(parts) == 0 {
				return "", fmt.Errorf("%s leads out of the repository", name)
			}
			parts = parts[:len(parts)-1]
		default:
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "/"), nil
}

// Write lays content over a file; the trace does not mention it.
func (t *Tree) Write(name string, content []byte) { t.overlay[name] = content }

// Kind is what stands at a path.
type Kind int

const (
	Absent Kind = iota
	File
	Directory
)

// Stat says what stands at a clean path. ErrNeeded: the host has to say first.
func (t *Tree) Stat(name string) (Kind, error) {
	if _, written := t.overlay[name]; written {
		return File, nil
	}
	kind, known := t.known(name)
	if !known {
		t.needed.nodes[name] = true
		return Absent, ErrNeeded
	}
	if kind == Absent {
		t.read.absent[name] = true
	}
	return kind, nil
}

func (t *Tree) known(name string) (Kind, bool) {
	if n := t.nodes[name]; n != nil {
		switch {
		case n.isDir:
			return Directory, true
		case n.isFile:
			return File, true
		default:
			return Absent, true
		}
	}
	// No listing of the repository itself has a mount in it.
	if name == "" || t.isMount(name) {
		return Directory, true
	}
	parent := Parent(name)
	if n := t.nodes[parent]; n != nil && n.children != nil {
		isDir, there := n.children[path.Base(name)]
		switch {
		case !there:
			return Absent, true
		case isDir:
			return Directory, true
		default:
			return File, true
		}
	}
	if kind, known := t.known(parent); known && kind != Directory {
		return Absent, true
	}
	return Absent, false
}

// Read gives a file's content.
func (t *Tree) Read(name string) ([]byte, error) {
	if content, written := t.overlay[name]; written {
		return content, nil
	}
	kind, err := t.Stat(name)
	if err != nil {
		return nil, err
	}
	if kind != File {
		return nil, fmt.Errorf("%s is not a file: %w", shown(name), ErrAbsent)
	}
	t.read.files[name] = true
	if n := t.nodes[name]; n != nil && n.content != nil {
		return n.content, nil
	}
	t.needed.files[name] = true
	return nil, ErrNeeded
}

// ErrAbsent stands for "there is nothing like that".
var ErrAbsent = errors.New("it does not exist")

// List gives the names in a directory, sorted, directories with a `/` at the end.
func (t *Tree) List(directory string) ([]string, error) {
	kind, err := t.Stat(directory)
	if err != nil {
		return nil, err
	}
	if kind != Directory {
		return nil, fmt.Errorf("%s is not a directory: %w", shown(directory), ErrAbsent)
	}
	n := t.nodes[directory]
	if n == nil || n.children == nil {
		t.needed.nodes[directory] = true
		return nil, ErrNeeded
	}
	t.read.listings[directory] = true
	names := make([]string, 0, len(n.children))
	for name, isDir := range n.children {
		if isDir {
			name += "/"
		}
		names = append(names, name)
	}
	sort.Strings(names)
	return names, nil
}

// Lookup asks for an object of the cluster.
func (t *Tree) Lookup(key string) { t.read.lookups[key] = true }

// NeedLookup says that the host has to answer it first.
func (t *Tree) NeedLookup(key string) { t.needed.lookups[key] = true }

// NeededAt says where something was asked for that the host has not said yet.
func (t *Tree) NeededAt(name string, line int) { t.needed.path, t.needed.line = name, line }

// Needed is nil when everything that was asked for was there.
func (t *Tree) Needed() *Need {
	if len(t.needed.nodes)+len(t.needed.files)+len(t.needed.lookups)+len(t.needed.remotes) == 0 {
		return nil
	}
	return &Need{
		Nodes: sorted(t.needed.nodes), Files: sorted(t.needed.files), Lookups: sorted(t.needed.lookups),
		Path: t.needed.path, Line: t.needed.line, Remotes: t.needed.remotes,
	}
}

// Trace is everything that was read so far.
func (t *Tree) Trace() Trace {
	return Trace{
		Files:    sorted(t.read.files),
		Listings: sorted(t.read.listings),
		Absent:   sorted(t.read.absent),
		Lookups:  sorted(t.read.lookups),
	}
}

func sorted(set map[string]bool) []string {
	names := make([]string, 0, len(set))
	for name := range set {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func shown(name string) string {
	if name == "" {
		return "the repository's root"
	}
	return name
}
