package query

import "slices"

// Catalog is a list of datasets, prepared for checks. It does not change, so
// goroutines may share it, and a service may keep it: datasets change rarely. A
// nil *Catalog has no datasets and checks no names.
type Catalog struct {
	datasets []Dataset
	entries  map[string]*entry
}

// entry is a dataset and an index of its names.
type entry struct {
	dataset Dataset
	columns map[string]column
}

type column struct {
	Column
	metric   bool
	disputed bool
}

// NewCatalog prepares datasets. Of two with the same name the later one counts.
func NewCatalog(datasets ...Dataset) *Catalog {
	c := &Catalog{entries: make(map[string]*entry, len(datasets))}
	for _, d := range datasets {
		d = d.clone()
		e := &entry{dataset: d, columns: make(map[string]column, len(d.Columns)+len(d.Metrics)+len(d.Disputed))}
		for _, x := range d.Disputed {
			e.columns[fold(x.Name)] = column{Column: x, disputed: true}
		}
		for _, x := range d.Columns {
			e.columns[fold(x.Name)] = column{Column: x}
		}
		for _, x := range d.Metrics {
			// A name in both lists is a column as well, and safe to use as one.
			if known, ok := e.columns[fold(x.Name)]; !ok || known.disputed {
				e.columns[fold(x.Name)] = column{Column: x, metric: true}
			}
		}
		key := fold(d.Name)
		if _, again := c.entries[key]; again {
			c.datasets = slices.DeleteFunc(c.datasets, func(old Dataset) bool { return fold(old.Name) == key })
		}
		c.datasets = append(c.datasets, d)
		c.entries[key] = e
	}
	return c
}

func (d Dataset) clone() Dataset {
	d.Columns, d.Metrics, d.Disputed = slices.Clone(d.Columns), slices.Clone(d.Metrics), slices.Clone(d.Disputed)
	d.DateRanges = slices.Clone(d.DateRanges)
	return d
}

// Dataset returns the dataset of that name, in any case.
func (c *Catalog) Dataset(name string) (Dataset, bool) {
	if e := c.entry(name); e != nil {
		return e.dataset.clone(), true
	}
	return Dataset{}, false
}

// Datasets returns all datasets.
func (c *Catalog) Datasets() []Dataset {
	if c == nil {
		return nil
	}
	out := make([]Dataset, len(c.datasets))
	for i, d := range c.datasets {
		out[i] = d.clone()
	}
	return out
}

func (c *Catalog) entry(name string) *entry {
	if c == nil {
		return nil
	}
	var buf [maxNearby]byte // longer names move to the heap
	return c.entries[string(appendFold(buf[:0], name))]
}

// named reports whether the dataset lists any names.
func (e *entry) named() bool { return len(e.dataset.Columns)+len(e.dataset.Metrics) > 0 }

func (e *entry) column(name string) (column, bool) {
	var buf [maxNearby]byte
	col, ok := e.columns[string(appendFold(buf[:0], name))]
	return col, ok
}

// names yields the names in the order of the dataset.
func (e *entry) names(yield func(string) bool) {
	for _, list := range [][]Column{e.dataset.Columns, e.dataset.Metrics} {
		for _, c := range list {
			if !yield(c.Name) {
				return
			}
		}
	}
}
