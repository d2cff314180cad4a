package decode

import (
	"fmt"

	"go.yaml.in/yaml/v3"
	"trueup.dev/render-wasm/abi"
)

// measure walks a document's syntax tree, in which aliases are references: what they would expand to is only counted.
type measure struct {
	limits  Limits
	path    string
	first   int
	aliases int
	known   map[*yaml.Node]size
	open    map[*yaml.Node]bool
	failure *abi.Failure
	// duplicates are the lines of keys that are there twice.
	duplicates []int
}

// size saturates far above every limit, so sums cannot overflow.
type size struct {
	nodes, bytes float64
	depth        int
}

func (m *measure) bomb(node *yaml.Node, what string, hint string) size {
	if m.failure == nil {
		m.failure = &abi.Failure{
			Code: "YamlBomb", Message: "The file " + what + ".", Hint: hint, Path: m.path, Line: m.first + node.Line - 1,
		}
	}
	return size{}
}

func (m *measure) walk(node *yaml.Node, depth int) size {
	if m.failure != nil {
		return size{}
	}
	if depth > m.limits.DepthMax {
		return m.bomb(node, fmt.Sprintf("is nested more than %d levels deep", m.limits.DepthMax), "flatten it")
	}
	if node.Kind == yaml.AliasNode {
		return m.alias(node, depth)
	}
	if m.open[node] {
		return m.bomb(node, "has an anchor that contains itself", "write the values out")
	}
	m.open[node] = true
	found := size{nodes: 1, bytes: float64(len(node.Value)) + 2}
	if node.Kind == yaml.MappingNode {
		m.checkKeys(node)
	}
	for _, child := range node.Content {
		part := m.walk(child, depth+1)
		found.nodes += part.nodes
		found.bytes += part.bytes + 2
		found.depth = max(found.depth, part.depth+1)
	}
	delete(m.open, node)
	m.known[node] = found
	return m.bounded(node, found)
}

func (m *measure) alias(node *yaml.Node, depth int) size {
	m.aliases++
	if m.aliases > m.limits.AliasesMax {
		return m.bomb(node, fmt.Sprintf("has more than %d aliases", m.limits.AliasesMax), "write the values out, or split the file")
	}
	if m.open[node.Alias] {
		return m.bomb(node, "has an anchor that contains itself", "write the values out")
	}
	found, known := m.known[node.Alias]
	if !known {
		found = m.walk(node.Alias, depth)
	}
	if depth+found.depth > m.limits.DepthMax {
		return m.bomb(node, fmt.Sprintf("is nested more than %d levels deep", m.limits.DepthMax), "flatten it")
	}
	return m.bounded(node, found)
}

func (m *measure) bounded(node *yaml.Node, found size) size {
	const hint = "write the values out, or split the file"
	if found.nodes > float64(m.limits.NodesMax) {
		return m.bomb(node, fmt.Sprintf("has more than %d values when its aliases are expanded", m.limits.NodesMax), hint)
	}
	if found.bytes > float64(m.limits.TotalBytesMax) {
		return m.bomb(node, fmt.Sprintf("has more than %d bytes of values when its aliases are expanded", m.limits.TotalBytesMax), hint)
	}
	return found
}

func (m *measure) checkKeys(node *yaml.Node) {
	seen := make(map[string]bool, len(node.Content)/2)
	for index := 0; index < len(node.Content); index += 2 {
		key := node.Content[index]
		if key.Kind != yaml.ScalarNode {
			continue
		}
		if seen[key.Value] {
			m.duplicates = append(m.duplicates, m.first+key.Line-1)
		}
		seen[key.Value] = true
	}
}
