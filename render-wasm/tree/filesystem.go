package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// FileSystem is a tree as Kustomize wants it: absolute paths from the repository's root, nothing can be written.
type FileSystem struct{ Tree *Tree }

var _ filesys.FileSystem = FileSystem{}
var errReadOnly = errors.New("the repository is read-only")

func (f FileSystem) Create(string) (filesys.File, error) { return nil, errReadOnly }
func (f FileSystem) Mkdir(string) error                  { return errReadOnly }
func (f FileSystem) MkdirAll(string) error               { return errReadOnly }
func (f FileSystem) RemoveAll(string) error              { return errReadOnly }
func (f FileSystem) WriteFile(string, []byte) error      { return errReadOnly }
func (f FileSystem) Open(string) (filesys.File, error)   { return nil, errReadOnly }

func (f FileSystem) stat(name string) (string, Kind, error) {
	clean, err := Clean(name)
	if err != nil {
		return "", Absent, err
	}
	kind, err := f.Tree.Stat(clean)
	return clean, kind, err
}

func (f FileSystem) IsDir(name string) bool {
	_, kind, err := f.stat(name)
	return err == nil && kind == Directory
}

func (f FileSystem) Exists(name string) bool {
	_, kind, err := f.stat(name)
	return err == nil && kind != Absent
}

func (f FileSystem) ReadDir(name string) ([]string, error) {
	clean, err := Clean(name)
	if err != nil {
		return nil, err
	}
	names, err := f.Tree.List(clean)
	for index, entry := range names {
		names[index] = strings.TrimSuffix(entry, "/")
	}
	return names, err
}

func (f FileSystem) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	clean, kind, err := f.stat(name)
	if err != nil {
		return "", "", err
	}
	switch kind {
	case Directory:
		return filesys.ConfirmedDir("/" + clean), "", nil
	case File:
		return filesys.ConfirmedDir("/" + Parent(clean)), path.Base(clean), nil
	default:
		return "", "", fmt.Errorf("'%s' doesn't exist: %w", clean, os.ErrNotExist)
	}
}

func (f FileSystem) ReadFile(name string) ([]byte, error) {
	clean, kind, err := f.stat(name)
	if err != nil {
		return nil, err
	}
	switch kind {
	case Directory:
		return nil, fmt.Errorf("'%s' is a directory", clean)
	case Absent:
		return nil, fmt.Errorf("'%s' doesn't exist: %w", clean, os.ErrNotExist)
	}
	content, err := f.Tree.Read(clean)
	// Callers may change what they are given.
	return append([]byte(nil), content...), err
}

// Glob has filepath.Glob's rules; a directory is listed only where its part of the pattern has a wildcard.
func (f FileSystem) Glob(pattern string) ([]string, error) {
	if _, err := filepath.Match(pattern, ""); err != nil {
		return nil, err
	}
	clean, err := Clean(pattern)
	if err != nil {
		return nil, err
	}
	found := []string{""}
	for part := range strings.SplitSeq(clean, "/") {
		found, err = f.step(found, part)
		if err != nil {
			return nil, err
		}
	}
	for index, name := range found {
		found[index] = "/" + name
	}
	return found, nil
}

func (f FileSystem) step(directories []string, part string) ([]string, error) {
	next := []string{}
	for _, directory := range directories {
		kind, err := f.Tree.Stat(directory)
		if err != nil {
			return nil, err
		}
		if kind != Directory {
			continue
		}
		if !strings.ContainsAny(part, `*?[\`) {
			name := path.Join(directory, part)
			if kind, err := f.Tree.Stat(name); err != nil {
				return nil, err
			} else if kind != Absent {
				next = append(next, name)
			}
			continue
		}
		names, err := f.Tree.List(directory)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			name = strings.TrimSuffix(name, "/")
			if matches, _ := path.Match(part, name); matches {
				next = append(next, path.Join(directory, name))
			}
		}
	}
	return next, nil
}

// Walk visits everything below a path, in order; FileInfo carries no more than the name and the type.
func (f FileSystem) Walk(name string, visit filepath.WalkFunc) error {
	clean, kind, err := f.stat(name)
	if err != nil {
		return err
	}
	err = f.walk(clean, kind, visit)
	if errors.Is(err, filepath.SkipDir) || errors.Is(err, filepath.SkipAll) {
		return nil
	}
	return err
}

func (f FileSystem) walk(name string, kind Kind, visit filepath.WalkFunc) error {
	err := visit("/"+name, Info{Base: path.Base("/" + name), IsDirectory: kind == Directory}, nil)
	if err != nil || kind != Directory {
		return err
	}
	names, err := f.Tree.List(name)
	if err != nil {
		return err
	}
	for _, entry := range names {
		childKind := File
		if strings.HasSuffix(entry, "/") {
			childKind = Directory
		}
		err := f.walk(path.Join(name, strings.TrimSuffix(entry, "/")), childKind, visit)
		if errors.Is(err, filepath.SkipDir) && childKind == Directory {
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Info is what is known of a file without reading it.
type Info struct {
	fs.FileInfo
	Base        string
	IsDirectory bool
}

func (i Info) Name() string { return i.Base }
func (i Info) IsDir() bool  { return i.IsDirectory }
func (i Info) Size() int64  { return 0 }
func (i Info) Sys() any     { return nil }

// Mode is that of a plain file or directory: links were resolved by the host.
func (i Info) Mode() fs.FileMode {
	if i.IsDirectory {
		return fs.ModeDir | 0o755
	}
	return 0o644
}
