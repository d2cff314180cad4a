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
	// unrestricted: files above the directory of their kustomization may be read.
	unrestricted bool
	// wantsOrigins: the file itself asks for origin annotations.
	wantsOrigins bool
	// watchesAnnotations: something in it could notice an annotation that is added and removed again.
	watchesAnnotations bool
}

const directoriesMax = 1000

func (s *scan) refuse(at string, message string, hint string) {
	s.fail(unsupported(at, message, hint))
}

func (s *scan) fail(failure *abi.Failure) {
	if s.failure == nil {
		s.failure = failure
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
	resources, hasRemote := s.entries(directory, k.Resources, name, true)
	components, hasRemoteComponent := s.entries(directory, k.Components, name, false)
	if hasRemote || hasRemoteComponent {
		// What was `bases` is among the resources already.
		if failure := write(s.files, name, fields{"resources": resources, "bases": nil, "components": components}); failure != nil {
			s.fail(failure)
		}
	}
	s.operators(directory, k, name)
	s.texts(directory, k, name)
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

// entry is a resource, base or component of this repository: a file, or a directory with a kustomization.
func (s *scan) entry(directory string, entry string, name string, mayBeFile bool) {
	target, inside := s.join(directory, entry, name)
	if !inside || strings.Contains(entry, "://") {
		s.unknown(entry, name)
		return
	}
	kind, err := s.files.Stat(target)
	if err != nil {
		return
	}
	switch {
	case kind == tree.Directory:
		s.directory(target, nil, "")
	case kind == tree.File && mayBeFile:
		if s.mayRead(directory, target, name) {
			s.resources(target)
		}
	case kind == tree.Absent:
		s.unknown(entry, name)
	}
}

// join gives the path that an entry stands for, if it is one of the same repository.
func (s *scan) join(directory string, entry string, name string) (string, bool) {
	if strings.HasPrefix(entry, "/") {
		return "", false
	}
	clean, err := tree.Clean(directory + "/" + entry)
	if err != nil {
		return "", false
	}
	if !s.files.Share(directory, clean) {
		s.fail(&abi.Failure{
			Code: "KustomizeFailed", Message: "It names " + withoutCredentials(entry) + ", which leads out of its repository.",
			Hint: "name what is in the same repository, or another one by its address", Path: name, Line: s.line(name, entry),
		})
		return "", false
	}
	return clean, true
}

// mayRead holds remote bases to their directories where others are not: the library does so when it clones them.
func (s *scan) mayRead(directory string, target string, name string) bool {
	if !s.unrestricted || !s.files.IsRemote(directory) || strings.HasPrefix(target, directory+"/") {
		return true
	}
	s.fail(&abi.Failure{
		Code: "KustomizeFailed", Message: "A remote base reads " + target + ", which is not below its directory.",
		Hint: "move the file into the directory of its kustomization", Path: name,
	})
	return false
}

func (s *scan) line(name string, entry string) int { return abi.LineOf(s.files.Source(name), entry) }

// operators are configurations of Kustomize itself: files, directories, or written in place.
func (s *scan) operators(directory string, k *types.Kustomization, name string) {
	for _, entries := range [][]string{k.Generators, k.Transformers, k.Validators} {
		for _, entry := range entries {
			if strings.Contains(entry, "\n") {
				s.function(name, []byte(entry))
				continue
			}
			target, inside := s.join(directory, entry, name)
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
			s.text(directory, entry, name)
		}
	}
	if schema, asked := k.OpenAPI["path"]; asked {
		s.text(directory, schema, name)
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
		if s.unrestricted && s.files.IsRemote(name) && strings.Contains(part, "../") {
			s.refuse(name, "The "+config.Kind+" of a remote base names files above its directory.", "do without --load-restrictor=LoadRestrictionsNone")
		}
		if isFunction || isLegacy || config.Kind == "HelmChartInflationGenerator" {
			s.refuse(name, "The "+config.Kind+" is a function or plugin, which needs a process of its own.", "use what Kustomize has built in, or commit what it generates")
		}
	}
}

// texts are files that are taken in as they are.
func (s *scan) texts(directory string, k *types.Kustomization, name string) {
	for _, patch := range k.PatchesStrategicMerge {
		if !strings.Contains(string(patch), "\n") {
			s.text(directory, string(patch), name)
		}
	}
	for _, patches := range [][]types.Patch{k.Patches, k.PatchesJson6902} {
		for _, patch := range patches {
			content := []byte(patch.Patch)
			if patch.Path != "" {
				content = s.text(directory, patch.Path, name)
			}
			s.patch(content)
		}
	}
	for _, replacement := range k.Replacements {
		if replacement.Path != "" {
			s.text(directory, replacement.Path, name)
		}
	}
	for _, generator := range k.ConfigMapGenerator {
		s.pairs(directory, generator.KvPairSources, name)
	}
	for _, generator := range k.SecretGenerator {
		s.pairs(directory, generator.KvPairSources, name)
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

func (s *scan) pairs(directory string, sources types.KvPairSources, name string) {
	for _, entry := range sources.FileSources {
		if _, file, named := strings.Cut(entry, "="); named {
			entry = file
		}
		s.text(directory, entry, name)
	}
	for _, entry := range sources.EnvSources {
		s.text(directory, entry, name)
	}
}

func (s *scan) text(directory string, entry string, name string) []byte {
	target, inside := s.join(directory, entry, name)
	if !inside || entry == "" || strings.Contains(entry, "://") {
		return nil
	}
	if kind, err := s.files.Stat(target); err != nil || kind != tree.File {
		return nil
	}
	if !s.mayRead(directory, target, name) {
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
