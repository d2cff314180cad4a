package tree

import "strings"

// Remote is another repository, and where it is named.
type Remote struct {
	URL string `json:"url"`
	// Ref is a branch, tag or commit; empty for the default branch.
	Ref  string `json:"ref"`
	Path string `json:"path"`
	Line int    `json:"line,omitempty"`
}

// mount is the directory under which the host hands over a remote's files.
type mount struct {
	URL string `json:"url"`
	Ref string `json:"ref"`
	At  string `json:"at"`
}

// Mounted gives the directory that stands for a remote. ErrNeeded: the host has to say first.
func (t *Tree) Mounted(remote Remote) (string, error) {
	for _, known := range t.mounts {
		if known.URL == remote.URL && known.Ref == remote.Ref {
			return known.At, nil
		}
	}
	t.needed.remotes = append(t.needed.remotes, remote)
	return "", ErrNeeded
}

// Share says whether two paths are in the same repository: nothing leads from one into another but by its address (S2).
func (t *Tree) Share(one string, other string) bool { return t.mountOf(one) == t.mountOf(other) }

// IsRemote says whether a path is in another repository than the one that is rendered.
func (t *Tree) IsRemote(name string) bool { return t.mountOf(name).At != "" }

// InRemote gives the repository that a path is in, and the path there.
func (t *Tree) InRemote(name string) (remote Remote, rest string, found bool) {
	in := t.mountOf(name)
	return Remote{URL: in.URL, Ref: in.Ref}, strings.TrimPrefix(strings.TrimPrefix(name, in.At), "/"), in.At != ""
}

// Source is a file as its repository has it, without what was laid over it; for messages, not for the trace.
func (t *Tree) Source(name string) []byte {
	if n := t.nodes[name]; n != nil {
		return n.content
	}
	return nil
}

func (t *Tree) mountOf(name string) mount {
	for _, known := range t.mounts {
		if name == known.At || strings.HasPrefix(name, known.At+"/") {
			return known
		}
	}
	return mount{}
}

func (t *Tree) isMount(name string) bool {
	for _, known := range t.mounts {
		if name == known.At {
			return true
		}
	}
	return false
}
