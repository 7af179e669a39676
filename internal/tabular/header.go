package tabular

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/partnercenter-go/partnercenter"
)

// The header is looked for in the first lines and the first bytes of a file.
const (
	headerLines = 20
	headerBytes = 64 << 10
)

// normalize maps the spellings of a column to one: the documentation writes
// "Program Code" and "paymentID" where files have "programCode" and "paymentId".
func normalize(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '\ufeff' || unicode.IsSpace(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// columns are the columns that a row type has fields for.
type columns struct {
	names []string       // as the fields spell them
	exact map[string]int // by spelling
	loose map[string]int // by normalized spelling; the first field counts
}

func newColumns(names []string) columns {
	c := columns{names: names, exact: make(map[string]int, len(names)), loose: make(map[string]int, len(names))}
	for i, name := range names {
		c.exact[name] = i
		key := normalize(name)
		if _, taken := c.loose[key]; !taken {
			c.loose[key] = i
		}
	}
	return c
}

// find returns the index of the field for a column of a file.
func (c columns) find(name string) (int, bool) {
	i, ok := c.exact[name]
	if !ok {
		i, ok = c.loose[normalize(name)]
	}
	return i, ok
}

// matches counts the fields that the cells name.
func (c columns) matches(cells []string) int {
	seen := make(map[int]bool, len(cells))
	for _, cell := range cells {
		if i, ok := c.find(cell); ok {
			seen[i] = true
		}
	}
	return len(seen)
}

// spot is where a header begins and what separates its cells.
type spot struct {
	offset int  // bytes before it
	lines  int  // lines before it
	comma  rune // ',' or '\t'
	score  int  // fields that it names
	cells  []string
	found  bool // false when the file has nothing but blank lines
}

// locate finds the header in the first bytes of a file: of the first lines the
// one that names the most fields, and the first of several such lines.
func (c columns) locate(head []byte) spot {
	var best spot
	offset := 0
	for line := range headerLines {
		rest := head[offset:]
		end := bytes.IndexByte(rest, '\n')
		text := rest
		if end >= 0 {
			text = rest[:end]
		}
		if len(bytes.TrimSuffix(text, []byte("\r"))) > 0 {
			for _, comma := range separators(rest) {
				cells := firstRecord(rest, comma)
				score := c.matches(cells)
				if !best.found || score > best.score {
					best = spot{offset, line, comma, score, cells, true}
				}
			}
			if best.score == len(c.names) {
				break
			}
		}
		if end < 0 {
			break
		}
		offset += end + 1
	}
	return best
}

// separators returns what may separate the cells of the line at the beginning of
// text, the likelier one first: that which occurs more often outside quotes.
func separators(text []byte) []rune {
	var commas, tabs int
	quoted := false
line:
	for _, b := range text {
		switch {
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == ',':
			commas++
		case b == '\t':
			tabs++
		case b == '\n':
			break line
		}
	}
	switch {
	case tabs == 0:
		return []rune{','}
	case commas == 0:
		return []rune{'\t'}
	case tabs > commas:
		return []rune{'\t', ','}
	}
	return []rune{',', '\t'}
}

// firstRecord reads the record at the beginning of text as far as it goes.
func firstRecord(text []byte, comma rune) []string {
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord = comma, true, -1
	cells, err := r.Read()
	if err != nil {
		return nil
	}
	return cells
}

// checkHeader refuses headers of files that are not the text they seem to be.
func checkHeader(cells []string) error {
	for _, cell := range cells {
		switch {
		case strings.ContainsRune(cell, 0):
			return errors.New("the header holds NUL bytes: the file is binary, or UTF-16 text without byte order mark")
		case strings.ContainsRune(cell, '\r'):
			return errors.New("the header holds carriage returns: lines must end in \\n or \\r\\n")
		}
	}
	return nil
}

// noHeader is the error of a file none of whose first lines names a field.
func (c columns) noHeader() error {
	some := c.names[:min(len(c.names), 3)]
	return fmt.Errorf("no header found: none of the first %d lines names a column of the row type (%s ...)",
		headerLines, strings.Join(some, ", "))
}

// layout says what the columns of one file are.
type layout struct {
	report partnercenter.ColumnReport
	keys   []string // a distinct name for every column
	fields []string // the field's column name, "" where there is no field
	extra  []int    // columns without field
}

// arrange compares the cells of a header with the fields.
func (c columns) arrange(cells []string) layout {
	l := layout{
		report: partnercenter.ColumnReport{Columns: slices.Clone(cells)}, // others may sort it
		keys:   make([]string, len(cells)),
		fields: make([]string, len(cells)),
	}
	owner := make(map[int]bool, len(c.names))    // fields that have their column
	spelled := make(map[string]bool, len(cells)) // normalized names of columns so far
	key := make(map[string]int, len(cells))
	for i, cell := range cells {
		l.keys[i] = distinct(key, cell, i)
		f, known := c.find(cell)
		name := normalize(cell)
		repeated := name != "" && spelled[name]
		spelled[name] = true
		if known && !owner[f] {
			owner[f] = true
			l.fields[i] = c.names[f]
			continue
		}
		l.extra = append(l.extra, i)
		switch {
		case repeated || known:
			l.report.Repeated = append(l.report.Repeated, cell)
		default:
			l.report.Unknown = append(l.report.Unknown, cell)
		}
	}
	for i, name := range c.names {
		if !owner[i] {
			l.report.Missing = append(l.report.Missing, name)
		}
	}
	return l
}

// distinct names the column at index i: as the file spells it, "#3" for a third
// column without name, "x#2" for a second x.
func distinct(taken map[string]int, cell string, i int) string {
	base := cell
	if base == "" {
		base = fmt.Sprintf("#%d", i+1)
	}
	name := base
	for taken[name] > 0 {
		taken[base]++ // the count goes on, so that many columns of one name take no longer each
		name = fmt.Sprintf("%s#%d", base, taken[base])
	}
	taken[name] = 1
	return name
}
