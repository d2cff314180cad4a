package kust

import (
	"net/url"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/api/resource"
	"trueup.dev/render-wasm/tree"
)

// remote is what Kustomize reads in the address of a base: a repository, a name in it, and a directory.
type remote struct{ url, ref, directory string }

// What the library puts for a directory that has not been cloned; seen where the base is the root of its repository.
const notCloned = "notCloned"

// parseRemote has the library's own parser read an address: it is not exported, but what records origins is.
func parseRemote(entry string) (remote, bool) {
	origin := (&resource.Origin{}).Append(entry)
	if origin.Repo == "" {
		return remote{}, false
	}
	directory := origin.Path
	if directory == notCloned && !strings.Contains(entry, notCloned) {
		directory = ""
	}
	clean, err := tree.Clean(directory)
	return remote{origin.Repo, origin.Ref, clean}, err == nil
}

// entries follows resources or components, and gives them with paths in place of addresses.
func (s *scan) entries(directory string, entries []string, name string, mayBeFile bool) (local []string, hasRemote bool) {
	for _, entry := range entries {
		target, isRemote := s.remote(directory, entry, name)
		if !isRemote {
			s.entry(directory, entry, name, mayBeFile)
		} else if target != "" {
			s.directory(target, nil, "")
			entry, hasRemote = relative(directory, target), true
		}
		local = append(local, entry)
	}
	return local, hasRemote
}

func relative(directory string, target string) string {
	found, err := filepath.Rel("/"+directory, "/"+target)
	if err != nil {
		return target
	}
	return found
}

// remote gives the directory under which the host hands over a remote base; none as long as it does not.
func (s *scan) remote(directory string, entry string, name string) (target string, isRemote bool) {
	found, parsed := parseRemote(entry)
	if !parsed {
		return "", false
	}
	// As the library does: a file of that name comes first, a directory does not.
	if !strings.Contains(entry, "://") {
		if local, err := tree.Clean(directory + "/" + entry); err == nil {
			if kind, err := s.files.Stat(local); err != nil || kind == tree.File {
				return "", err != nil
			}
		}
	}
	address, query, _ := strings.Cut(entry, "?")
	if isYAML(address) {
		s.unsupportedRemote(name, entry, "is a single file", "copy it into the repository, or name the directory of its kustomization")
		return "", true
	}
	if wantsSubmodules(query) {
		s.unsupportedRemote(name, entry, "asks for submodules, which are not fetched", "leave submodules=true out, or name the submodule's repository itself")
		return "", true
	}
	mount, err := s.files.Mounted(tree.Remote{URL: found.url, Ref: found.ref, Path: name, Line: s.line(name, entry)})
	if err != nil {
		return "", true
	}
	return path.Join(mount, found.directory), true
}

func wantsSubmodules(query string) bool {
	values, err := url.ParseQuery(query)
	if err != nil {
		return false
	}
	wanted, err := strconv.ParseBool(values.Get("submodules"))
	return err == nil && wanted
}

// unknown refuses what looks like an address and is none that Kustomize takes for a repository; what else is not
// there the library words.
func (s *scan) unknown(entry string, name string) {
	if looksRemote(entry) {
		s.unsupportedRemote(name, entry, "is not the address of a Git repository, or not among resources and components", "write https://host/org/repo//directory?ref=main there")
	}
}

func (s *scan) unsupportedRemote(name string, entry string, what string, hint string) {
	failure := unsupported(name, "The remote base "+withoutCredentials(entry)+" "+what+".", hint)
	failure.Line = s.line(name, entry)
	s.fail(failure)
}

func looksRemote(entry string) bool {
	if strings.Contains(entry, "://") || strings.HasPrefix(entry, "git@") || strings.HasPrefix(entry, "git::") || strings.Contains(entry, "?ref=") {
		return true
	}
	host, _, found := strings.Cut(entry, "/")
	return found && strings.Contains(host, ".") && strings.Trim(host, ".") != "" && !strings.HasPrefix(host, ".")
}

func withoutCredentials(address string) string {
	scheme, rest, found := strings.Cut(address, "://")
	if !found {
		return address
	}
	if _, host, hasUser := strings.Cut(rest, "@"); hasUser {
		rest = host
	}
	if base, _, hasQuery := strings.Cut(rest, "?"); hasQuery {
		rest = base
	}
	return scheme + "://" + rest
}

// recordRemote writes what the library would have for an object of a remote base, had it cloned it.
func (s *scan) recordRemote(directory string, object *resource.Resource) error {
	origin, err := object.GetOrigin()
	if err != nil || origin == nil {
		return err
	}
	hasRemote := false
	for _, member := range []*string{&origin.Path, &origin.ConfiguredIn} {
		found, rest, isRemote := s.files.InRemote(path.Join(directory, *member))
		if *member != "" && isRemote {
			origin.Repo, origin.Ref, *member, hasRemote = found.URL, found.Ref, rest, true
		}
	}
	if !hasRemote {
		return nil
	}
	return object.SetOrigin(origin)
}
