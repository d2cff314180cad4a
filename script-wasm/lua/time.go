package lua

import (
	"strings"
	"time"

	glua "github.com/yuin/gopher-lua"
)

// times is what scripts may know of the operating system.
var times = map[string]glua.LGFunction{
	"time": timeOf,
	"date": dateOf,
}

func timeOf(state *glua.LState) int {
	if state.GetTop() == 0 {
		state.Push(glua.LNumber(time.Now().Unix()))
		return 1
	}
	table := state.CheckTable(1)
	field := func(name string, otherwise int) int {
		if number, ok := table.RawGetString(name).(glua.LNumber); ok {
			return int(number)
		}
		return otherwise
	}
	moment := time.Date(field("year", -1), time.Month(field("month", -1)), field("day", -1),
		field("hour", 12), field("min", 0), field("sec", 0), 0, time.UTC)
	state.Push(glua.LNumber(moment.Unix()))
	return 1
}

// dateOf knows no local time zone: `!` changes nothing.
func dateOf(state *glua.LState) int {
	format := strings.TrimPrefix(state.OptString(1, "%c"), "!")
	moment := time.Now().UTC()
	if state.GetTop() >= 2 {
		moment = time.Unix(state.CheckInt64(2), 0).UTC()
	}
	if strings.HasPrefix(format, "*t") {
		table := state.NewTable()
		for name, value := range map[string]int{
			"year": moment.Year(), "month": int(moment.Month()), "day": moment.Day(), "hour": moment.Hour(),
			"min": moment.Minute(), "sec": moment.Second(), "wday": int(moment.Weekday()) + 1, "yday": moment.YearDay(),
		} {
			table.RawSetString(name, glua.LNumber(value))
		}
		table.RawSetString("isdst", glua.LFalse)
		state.Push(table)
		return 1
	}
	state.Push(glua.LString(formatted(format, moment)))
	return 1
}

var layouts = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'c': "02 Jan 06 15:04 MST", 'd': "02",
	'F': "2006-01-02", 'H': "15", 'I': "03", 'm': "01", 'M': "04", 'p': "PM", 'S': "05", 'x': "02/01/06",
	'X': "15:04:05", 'y': "06", 'Y': "2006", 'z': "-0700", 'Z': "MST",
}

func formatted(format string, moment time.Time) string {
	var text strings.Builder
	for at := 0; at < len(format); at++ {
		if format[at] != '%' || at+1 == len(format) {
			text.WriteByte(format[at])
			continue
		}
		at++
		switch layout, known := layouts[format[at]]; {
		case known:
			text.WriteString(moment.Format(layout))
		case format[at] == 'w':
			text.WriteByte('0' + byte(moment.Weekday()))
		case format[at] == '%':
			text.WriteByte('%')
		default:
			text.WriteString(format[at-1 : at+1])
		}
	}
	return text.String()
}
