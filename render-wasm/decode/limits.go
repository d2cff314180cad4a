package decode

// Limits of one file; a bomb is found before anything expands (F21).
type Limits struct {
	FileBytesMax  int `json:"fileBytesMax"`
	TotalBytesMax int `json:"totalBytesMax"`
	AliasesMax    int `json:"aliasesMax"`
	// NodesMax counts values with aliases expanded.
	NodesMax int `json:"nodesMax"`
	DepthMax int `json:"depthMax"`
}
