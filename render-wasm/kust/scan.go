package kust

import (
	"path"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"
	"trueup.dev/render-wasm/abi"
	"trueup.dev/render-wasm/decode"
	"trueup.dev/render-wasm/tree"
)

// scan follows what a kustomization names before it is built: the host learns in few rounds what is needed, what
// needs the network or a process is refused with its reason, and bombs are found before anything expands (F21).
type scan struct {
	files  *tree.Tree
	limits decode.Limits
	seen   map[string]bool
	// sources: resource file → the objects in it.
	sources map[string][]decode.Head
	failure *abi.Failure
	// malformed is the first file of objects that is no YAML: when the build fails, it is the cause.
	malformed *abi.Failure
	// wantsOrigins: the file itself asks for origin annotations.
	wantsOrigins bool
	// watchesAnnotations: something in it could notice an annotation that is added and removed again.
	watchesAnnotations bool
}

const directoriesMax = 1000

func (s *scan) refuse(at string, message string, hint string) {
	if s.failure == nil {
		s.failure = unsupported(at, message, hint)
	}
}

func (s *scan) directory(directory string, k *types.Kustomization, name string) {
	if s.seen[directory] || s.failure != nil || len(s.seen) > directoriesMax {
		return
	}
	s.seen[directory] = true
	if k == nil {
		var failure *abi.Failure
		name, k, failure = open(s.files, directory)
		if failure != nil {
			s.failure = failure
		}
		if k == nil {
			return
		}
	}
	s.process(k, name)
	for _, entry := range k.Resources {
		s.entry(directory, entry, name, true)
	}
	for _, entry := range k.Components {
		s.entry(directory, entry, name, false)
	}
	s.operators(directory, k, name)
	s.texts(directory, k)
}

// process refuses what needs one, and notes what may look at annotations.
func (s *scan) process(k *types.Kustomization, name string) {
	if len(k.HelmCharts) > 0 || len(k.HelmChartInflationGenerator) > 0 {
		s.refuse(name, "helmCharts start the helm command, and the renderer starts no process.", "make the chart a source of its own")
	}
	for _, option := range k.BuildMetadata {
		// Only the outermost file's word counts.
		if len(s.seen) > 1 {
			break
		}
		s.wantsOrigins = s.wantsOrigins || option == types.OriginAnnotations
		s.watchesAnnotations = s.watchesAnnotations || option == types.TransformerAnnotations
	}
	if len(k.Generators)+len(k.Transformers)+len(k.Validators)+len(k.Replacements)+len(k.Vars) > 0 {
		s.watchesAnnotations = true
	}
}

// entry is a resource, base or component: a file, a directory with a kustomization, or a place in the network.
func (s *scan) entry(directory string, entry string, name string, mayBeFile bool) {
	target, inside := join(directory, entry)
	kind := tree.Absent
	if inside && !strings.Contains(entry, "://") {
		found, err := s.files.Stat(target)
		if err != nil {
			return
		}
		kind = found
	}
	switch {
	case kind == tree.Directory:
		s.directory(target, nil, "")
	case kind == tree.File && mayBeFile:
		s.resources(target)
	case kind == tree.Absent && isRemote(entry):
		s.refuse(name, "The remote base "+withoutCredentials(entry)+" is not fetched yet.", "copy it into the repository, or make it a source of its own")
	}
}

func isRemote(entry string) bool {
	if strings.Contains(entry, "://") || strings.HasPrefix(entry, "git@") || strings.HasPrefix(entry, "git::") || strings.Contains(entry, "?ref=") {
		return true
	}
	host, _, found := strings.Cut(entry, "/")
	return found && strings.Contains(host, ".") && strings.Trim(host, ".") != "" && !strings.HasPrefix(host, ".")
}

func withoutCredentials(url string) string {
	scheme, rest, found := strings.Cut(url, "://")
	if !found {
		return url
	}
	if _, host, hasUser := strings.Cut(rest, "@"); hasUser {
		rest = host
	}
	if base, _, hasQuery := strings.Cut(rest, "?"); hasQuery {
		rest = base
	}
	return scheme + "://" + rest
}

func join(directory string, entry string) (string, bool) {
	if strings.HasPrefix(entry, "/") {
		return "", false
	}
	clean, err := tree.Clean(directory + "/" + entry)
	return clean, err == nil
}

// operators are configurations of Kustomize itself: files, directories, or written in place.
func (s *scan) operators(directory string, k *types.Kustomization, name string) {
	for _, entries := range [][]string{k.Generators, k.Transformers, k.Validators} {
		for _, entry := range entries {
			if strings.Contains(entry, "\n") {
				s.function(name, []byte(entry))
				continue
			}
			target, inside := join(directory, entry)
			if !inside {
				continue
			}
			if kind, err := s.files.Stat(target); err == nil && kind == tree.File {
				if content, err := s.files.Read(target); err == nil {
					s.function(target, content)
				}
				continue
			}
			s.entry(directory, entry, name, true)
		}
	}
	for _, entries := range [][]string{k.Crds, k.Configurations} {
		for _, entry := range entries {
			s.text(directory, entry)
		}
	}
	if schema, asked := k.OpenAPI["path"]; asked {
		s.text(directory, schema)
	}
}

// function refuses containers, executables and Starlark: each starts a process.
func (s *scan) function(name string, content []byte) {
	for part := range strings.SplitSeq(string(content), "\n---") {
		var config struct {
			Kind     string `json:"kind"`
			Metadata struct {
				Annotations map[string]string `json:"annotations"`
			} `json:"metadata"`
		}
		if yaml.Unmarshal([]byte(part), &config) != nil {
			continue
		}
		_, isFunction := config.Metadata.Annotations["config.kubernetes.io/function"]
		_, isLegacy := config.Metadata.Annotations["config.k8s.io/function"]
		if isFunction || isLegacy || config.Kind == "HelmChartInflationGenerator" {
			s.refuse(name, "The "+config.Kind+" is a function or plugin, which needs a process of its own.", "use what Kustomize has built in, or commit what it generates")
		}
	}
}

// texts are files that are taken in as they are.
func (s *scan) texts(directory string, k *types.Kustomization) {
	for _, patch := range k.PatchesStrategicMerge {
		if !strings.Contains(string(patch), "\n") {
			s.text(directory, string(patch))
		}
	}
	for _, patches := range [][]types.Patch{k.Patches, k.PatchesJson6902} {
		for _, patch := range patches {
			content := []byte(patch.Patch)
			if patch.Path != "" {
				content = s.text(directory, patch.Path)
			}
			s.patch(content)
		}
	}
	for _, replacement := range k.Replacements {
		if replacement.Path != "" {
			s.text(directory, replacement.Path)
		}
	}
	for _, generator := range k.ConfigMapGenerator {
		s.pairs(directory, generator.KvPairSources)
	}
	for _, generator := range k.SecretGenerator {
		s.pairs(directory, generator.KvPairSources)
	}
}

// patch notes JSON patches of annotations; a merge patch cannot tell an annotation that comes and goes.
func (s *scan) patch(content []byte) {
	text := strings.TrimSpace(string(content))
	if !strings.Contains(text, "annotations") {
		return
	}
	if strings.HasPrefix(text, "[") || strings.Contains(text, "op:") || strings.Contains(text, `"op"`) {
		s.watchesAnnotations = true
	}
}

func (s *scan) pairs(directory string, sources types.KvPairSources) {
	for _, entry := range sources.FileSources {
		if _, file, named := strings.Cut(entry, "="); named {
			entry = file
		}
		s.text(directory, entry)
	}
	for _, entry := range sources.EnvSources {
		s.text(directory, entry)
	}
}

func (s *scan) text(directory string, entry string) []byte {
	target, inside := join(directory, entry)
	if !inside || entry == "" || strings.Contains(entry, "://") {
		return nil
	}
	if kind, err := s.files.Stat(target); err != nil || kind != tree.File {
		return nil
	}
	content, err := s.files.Read(target)
	if err != nil {
		return nil
	}
	if isYAML(target) {
		_, failure := decode.Heads(target, content, s.limits)
		if failure != nil && failure.Code == "YamlBomb" && s.failure == nil {
			s.failure = failure
		}
	}
	return content
}

func isYAML(name string) bool {
	extension := path.Ext(name)
	return extension == ".yaml" || extension == ".yml" || extension == ".json"
}
