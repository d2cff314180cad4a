package helm

import (
	"regexp"
	"strconv"
	"strings"

	"trueup.dev/render-wasm/abi"
)

const messageMax = 700

var (
	templatePlace = regexp.MustCompile(`([^\s():"]+/templates/[^\s():"]+)(?::(\d+))?`)
	gotValue      = regexp.MustCompile(`got (string|number|boolean), want`)
	quotedValue   = regexp.MustCompile(`'[^']*'`)
)

func helmFailed(err error, at string) *abi.Failure {
	return &abi.Failure{Code: "HelmFailed", Message: "Helm: " + oneLine(err.Error()) + ".", Hint: "correct the chart, or the values that it is given", Path: at}
}

// templateFailed names the template and the line where the engine does.
func (r *rendering) templateFailed(err error) *abi.Failure {
	text := err.Error()
	failure := helmFailed(err, r.options.Path)
	if match := templatePlace.FindStringSubmatch(text); match != nil {
		failure.Path = r.place(match[1])
		failure.Line, _ = strconv.Atoi(match[2])
	}
	if strings.Contains(text, "YAML parse error") {
		failure.Message = "What the template gives is not valid YAML."
	}
	return failure
}

// schemaFailed lists the places that do not fit. Values that are quoted are left out: they may be secrets (S14).
func schemaFailed(err error, at string) *abi.Failure {
	text := err.Error()
	if !strings.Contains(text, "schema") {
		return helmFailed(err, at)
	}
	_, places, _ := strings.Cut(text, "\n")
	places = gotValue.ReplaceAllString(places, "got a $1, want")
	places = strings.ReplaceAll(oneLine(keepPlaces(places)), "- at", "at")
	return &abi.Failure{
		Code: "ValuesInvalid", Message: "The values do not fit the chart's schema: " + places + ".", Path: at,
		Hint: "correct the values that are named",
	}
}

// keepPlaces blanks every quoted text but the places (`at '/image/tag'`) and the names of properties.
func keepPlaces(text string) string {
	lines := strings.Split(text, "\n")
	for index, line := range lines {
		place, rest, found := strings.Cut(line, "': ")
		if !found {
			continue
		}
		if !strings.Contains(rest, "propert") && !strings.Contains(rest, "value must be") {
			rest = quotedValue.ReplaceAllString(rest, "'…'")
		}
		lines[index] = place + "': " + rest
	}
	return strings.Join(lines, "\n")
}

func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > messageMax {
		text = text[:messageMax] + "…"
	}
	return strings.TrimSuffix(text, ".")
}
