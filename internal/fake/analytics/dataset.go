package analytics

import "strings"

// Programs are the two catalogues of reports.
const (
	Marketplace = "cmp"
	Partner     = "mpn"
)

// kind is what the cells of a column hold.
type kind int

// The kinds of columns.
const (
	kindString   kind = iota
	kindEnum          // one of a few words
	kindGUID          // GUID text
	kindInteger       // whole number
	kindDecimal       // exact decimal number
	kindDate          // yyyy-MM-dd
	kindDatetime      // yyyy-MM-ddTHH:mm:ssZ
	kindFlag01        // 1 or 0
	kindYesno         // Yes or No
	kindBoolean       // True or False
)

func (k kind) number() bool { return k == kindInteger || k == kindDecimal }
func (k kind) date() bool   { return k == kindDate || k == kindDatetime }

type column struct {
	name string
	kind kind
}

// dataset is a table that queries can read.
type dataset struct {
	name, program string
	date          string // the column that TIMESPAN is about, "" for none
	interval      int    // shortest recurrence in hours
	ranges        []string
	columns       []column
	metrics       []column
	disputed      []column // in use in the documentation, but not in the list

	index map[string]field // by name in lower case
}

// field is a column of a dataset as queries see it.
type field struct {
	column
	at       int // position among all fields
	metric   bool
	disputed bool
}

type systemQuery struct{ program, id, name, text string }

// link fills in the index.
func (d *dataset) link() {
	d.index = make(map[string]field)
	at := 0
	for i, list := range [][]column{d.columns, d.metrics, d.disputed} {
		for _, c := range list {
			if key := strings.ToLower(c.name); d.index[key].name == "" {
				d.index[key] = field{c, at, i == 1, i == 2}
			}
			at++
		}
	}
}

// find returns a dataset of a program by its name in any case.
func find(all []*dataset, program, name string) *dataset {
	for _, d := range all {
		if d.program == program && strings.EqualFold(d.name, name) {
			return d
		}
	}
	return nil
}

func names(list []column) []string {
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = c.name
	}
	return out
}
