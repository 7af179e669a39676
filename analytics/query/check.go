package query

import (
	"slices"
	"strings"
)

// maxLimit is the largest LIMIT that Microsoft's own sample lets its users choose.
const maxLimit = 1_000_000_000

// Check reads a query and compares it with the datasets of a catalog. It returns
// every mistake of the text and of the names in it, in the order of the text; what
// the documentation leaves open is a warning. The query is nil when one of the
// problems is an error. Where an error is wanted pass on [Problems.Err], not the
// list, which is one even when it is empty.
//
// The service is the authority: its datasets change, and a check against an old
// list may be wrong. With a nil catalog names are not checked.
func Check(text string, catalog *Catalog) (*Query, Problems) {
	p := parse(text)
	c := checker{collector: p.collector, q: p.q, catalog: catalog, entry: catalog.entry(p.q.dataset.text), written: len(p.problems)}
	c.explainStar(p.star)
	c.explainBareWords(p.bare)
	c.run()
	locate(text, c.problems)
	if c.problems.Err() != nil {
		return nil, c.problems
	}
	return p.q, c.problems
}

// Check compares the query with the datasets of a catalog, like the function
// [Check]. Offsets are those of the text that was parsed; for a built query that
// is [Query.String].
func (q *Query) Check(catalog *Catalog) Problems {
	if q == nil {
		return nil
	}
	c := checker{q: q, catalog: catalog, entry: catalog.entry(q.dataset.text)}
	c.run()
	locate(q.text, c.problems)
	return c.problems
}

// checker looks at a query that is complete as far as it could be understood.
type checker struct {
	collector
	q       *Query
	catalog *Catalog
	entry   *entry // of the query's dataset, nil when there is none
	written int    // how many of the problems are the parser's
}

func (c *checker) run() {
	c.dataset()
	selected, metric := c.selected()
	if c.q.distinct && metric != "" {
		c.warn(selected, CodeDistinct, "DISTINCT changes nothing: because of the metric %s there is one row for each combination of the other columns anyway", metric)
	}
	for _, cond := range c.q.where {
		if col, ok := c.column(cond.column); ok {
			c.domain(cond, col.Type)
		}
		c.pattern(cond)
	}
	for _, o := range c.q.order {
		c.column(o.column)
	}
	if c.q.limit > maxLimit {
		c.warn(c.q.limitAt, CodeLimit, "LIMIT is above %d, the highest that Microsoft's sample application offers", maxLimit)
	}
	c.timespan()
}

func (c *checker) dataset() {
	n := c.q.dataset
	if n.text == "" || c.entry != nil || c.catalog == nil || len(c.catalog.datasets) == 0 {
		return
	}
	best := nearest(n.text, func(yield func(string) bool) {
		for _, d := range c.catalog.datasets {
			if !yield(d.Name) {
				return
			}
		}
	})
	if best == "" {
		c.report(n.at, CodeDataset, "there is no dataset %s; there are %s", shorten(n.text, 200), c.datasetNames())
		return
	}
	c.report(n.at, CodeDataset, "there is no dataset %s; did you mean %s?", n.text, best)
	c.suggest(best)
}

func (c *checker) datasetNames() string {
	names := make([]string, 0, len(c.catalog.datasets))
	for _, d := range c.catalog.datasets {
		names = append(names, d.Name)
	}
	return shorten(strings.Join(names, ", "), 400)
}

// selected checks the selected columns. It returns the place of all of them and
// the name of a metric among them.
func (c *checker) selected() (all span, metric string) {
	var few [32]string // beyond that many a map keeps the time linear
	seen := few[:0]
	var many map[string]bool
	for i, n := range c.q.columns {
		if i == 0 {
			all = n.at
		}
		all.end = n.at.end
		if col, ok := c.column(n); ok && col.metric && metric == "" {
			metric = col.Name
		}
		if n.text == "" {
			continue
		}
		again := slices.ContainsFunc(seen, func(s string) bool { return sameFold(s, n.text) })
		switch {
		case again || many != nil && many[fold(n.text)]:
			c.warn(n.at, CodeRepeatedColumn, "%s is selected twice", n.text)
		case len(seen) < len(few):
			seen = append(seen, n.text)
		default:
			if many == nil {
				many = make(map[string]bool, len(c.q.columns))
			}
			many[fold(n.text)] = true
		}
	}
	return all, metric
}

// column looks a name up. It returns false for names of which nothing is known.
func (c *checker) column(n name) (column, bool) {
	if n.text == "" || c.entry == nil || !c.entry.named() || c.full() {
		return column{}, false
	}
	col, ok := c.entry.column(n.text)
	if !ok {
		c.unknownColumn(n)
		return column{}, false
	}
	if col.disputed {
		c.warn(n.at, CodeDisputed, "%s is not among the columns that %s lists, although the documentation uses it: the service may refuse it",
			n.text, c.entry.dataset.Name)
	}
	return col, true
}

func (c *checker) unknownColumn(n name) {
	add, d := c.report, c.entry.dataset
	if d.Uncertain {
		add = c.warn
	}
	best, elsewhere := nearest(n.text, c.entry.names), c.elsewhere(n.text)
	switch {
	case best != "" && elsewhere != "":
		add(n.at, CodeColumn, "%s has no column or metric %s; did you mean %s? Or the dataset %s, which has %[2]s?", d.Name, n.text, best, elsewhere)
		c.suggest(best)
	case best != "":
		add(n.at, CodeColumn, "%s has no column or metric %s; did you mean %s?", d.Name, n.text, best)
		c.suggest(best)
	case elsewhere != "":
		add(n.at, CodeColumn, "%s has no column or metric %s, but %s has, and a query reads one dataset", d.Name, n.text, elsewhere)
	default:
		add(n.at, CodeColumn, "%s has no column or metric %s, nor one with a similar name", d.Name, shorten(n.text, 200))
	}
}

// elsewhere returns the first dataset that lists the name.
func (c *checker) elsewhere(name string) string {
	for _, d := range c.catalog.datasets {
		if col, ok := c.catalog.entry(d.Name).column(name); ok && !col.disputed {
			return d.Name
		}
	}
	return ""
}

func (c *checker) timespan() {
	n := c.q.timespan
	if n.text == "" {
		return
	}
	allowed, owner := []Timespan(nil), "the language"
	add := c.report
	if c.entry != nil && len(c.entry.dataset.DateRanges) > 0 {
		allowed, owner = c.entry.dataset.DateRanges, c.entry.dataset.Name
		if c.entry.dataset.Uncertain {
			add = c.warn
		}
	} else {
		allowed = Timespans()
	}
	if slices.ContainsFunc(allowed, func(t Timespan) bool { return sameFold(string(t), n.text) }) {
		return
	}
	words := make([]string, len(allowed))
	for i, t := range allowed {
		words[i] = string(t)
	}
	add(n.at, CodeTimespan, "%s has no TIMESPAN %s, only %s", owner, shorten(n.text, 40), strings.Join(words, ", "))
	if !Timespan(n.text).Known() {
		c.suggest(nearest(n.text, slices.Values(words)))
	}
}

// explainStar lists the columns that * stands for elsewhere.
func (c *checker) explainStar(problem int) {
	if problem < 0 || c.entry == nil {
		return
	}
	var names []string
	for n := range c.entry.names {
		if isName(n) {
			names = append(names, n)
		}
	}
	c.problems[problem].Suggestion = strings.Join(names, ", ")
}

// explainBareWords finds the columns among the values without quotes.
func (c *checker) explainBareWords(words []bareWord) {
	for _, w := range words {
		p := &c.problems[w.problem]
		if c.entry == nil || p.Code != CodeUnquoted {
			continue
		}
		if col, ok := c.entry.column(w.text); ok {
			p.Code, p.Suggestion = CodeRightSide, ""
			p.Message = "a column is compared with a value, not with the column " + col.Name
		}
	}
}
