package query

import "fmt"

// maxProblems is how many problems of one text are told. Whoever has more of them
// has sent something else than a query.
const maxProblems = 50

// collector gathers the problems of one text.
type collector struct{ problems Problems }

func (c *collector) report(at span, code Code, format string, args ...any) {
	c.add(Error, at, code, format, args...)
}

func (c *collector) warn(at span, code Code, format string, args ...any) {
	c.add(Warning, at, code, format, args...)
}

func (c *collector) add(s Severity, at span, code Code, format string, args ...any) {
	if c.full() {
		return
	}
	p := Problem{Code: code, Severity: s, Offset: at.pos, End: at.end, Message: fmt.Sprintf(format, args...)}
	if len(c.problems) == maxProblems-1 {
		p = Problem{Code: CodeTooMany, Severity: Error, Offset: at.pos, End: at.end,
			Message: "there are more mistakes than this, and the rest is not looked at"}
	}
	c.problems = append(c.problems, p)
}

// full reports whether more problems would not be kept.
func (c *collector) full() bool { return len(c.problems) >= maxProblems }

// suggest adds what to write to the latest problem.
func (c *collector) suggest(s string) {
	if last := &c.problems[len(c.problems)-1]; last.Code != CodeTooMany {
		last.Suggestion = s
	}
}
