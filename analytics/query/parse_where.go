package query

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// where takes the conditions.
func (p *parser) where() {
	var (
		first  = len(p.q.where)
		or     = -1    // the problem of the first OR
		others = false // there is something that IN could not say
		depth  = 0     // of parentheses that should not be there
	)
	for {
		others = p.tok.key == kwNot || others
		if !p.prefixes(&depth) {
			return
		}
		before := len(p.q.where)
		if !p.condition() {
			p.skipCondition()
		}
		others = others || len(p.q.where) != before+1
		for p.tok.kind == closing && depth > 0 {
			depth--
			p.advance()
		}
		switch {
		case p.tok.key == kwAnd:
			others = true
		case p.is(p.tok, "or") || p.symbol("||"):
			if or < 0 {
				p.report(p.here(), CodeOr, "conditions are joined by AND only: use IN for several values of one column, or one query for each condition")
				or = len(p.problems) - 1
			}
		case p.tok.kind == comma || p.symbol("&&"):
			others = true
			p.report(p.here(), CodeSyntax, "conditions are joined by AND, not by %s", p.text(p.tok))
			p.suggest(" AND ")
		default:
			if or >= 0 && !others {
				p.mergeAlternatives(&p.problems[or], p.q.where[first:])
			}
			return
		}
		p.advance()
	}
}

// symbol reports an operator that other languages have.
func (p *parser) symbol(s string) bool { return p.tok.kind == other && p.text(p.tok) == s }

// mergeAlternatives makes IN the suggestion where OR joins conditions that ask for
// values of one column.
func (p *parser) mergeAlternatives(or *Problem, run []Condition) {
	in := Condition{column: run[0].column, op: OpIn}
	for _, c := range run {
		if c.op != OpEq && c.op != OpIn || !sameFold(c.column.text, in.column.text) {
			return
		}
		for _, v := range c.values {
			if v.Quoted != run[0].values[0].Quoted {
				return
			}
		}
		in.values = append(in.values, c.values...)
	}
	if in.column.text == "" || or.Code != CodeOr {
		return
	}
	or.Message = "conditions are joined by AND only; IN takes several values of one column"
	or.Offset, or.End = run[0].at.pos, run[len(run)-1].at.end
	or.Suggestion = in.String()
}

// prefixes takes what SQL allows before a condition. It returns false when no
// condition follows.
func (p *parser) prefixes(depth *int) bool {
	for {
		switch {
		case p.tok.kind == opening && p.peek().key != kwSelect:
			if *depth == 0 {
				p.report(p.here(), CodeParentheses, "conditions have no parentheses: delete this one and the one that closes it")
			}
			*depth++
			p.advance()
		case p.tok.key == kwNot:
			p.report(p.here(), CodeNot, "NOT stands in NOT LIKE and NOT IN only: use the contrary operator, for example != in place of =")
			p.advance()
		case p.boundary(p.tok):
			p.report(p.here(), CodeSyntax, "a condition is missing before %s", p.describe(p.tok))
			return false
		default:
			return true
		}
	}
}

// skipCondition takes the rest of a condition that is not understood.
func (p *parser) skipCondition() {
	for p.tok.key != kwAnd && !p.is(p.tok, "or") && p.tok.kind != closing && !p.boundary(p.tok) {
		p.advance()
	}
}

// subquery reports a query in parentheses, and takes it.
func (p *parser) subquery(advice string) bool {
	if p.tok.kind != opening || p.peek().key != kwSelect {
		return false
	}
	at := p.here()
	p.skipParentheses()
	at.end = p.last
	p.report(at, CodeSubquery, "there are no queries inside of queries: %s", advice)
	return true
}

// condition takes a column, an operator and a value.
func (p *parser) condition() bool {
	start := p.tok.pos
	if p.subquery("compare a column with values") {
		return false
	}
	n, ok := p.name("a column")
	if !ok {
		return false
	}
	c := Condition{column: n}
	switch {
	case p.is(p.tok, "between"):
		return p.between(c, start)
	case p.is(p.tok, "is"):
		return p.isNull(c, start)
	}
	if !p.operator(&c) {
		return false
	}
	if p.subquery("list the values") {
		return false
	}
	if c.op.list() || p.tok.kind == opening {
		ok = p.list(&c)
	} else {
		var v Literal
		v, ok = p.literal()
		c.values = []Literal{v}
	}
	if !ok {
		return false
	}
	c.at = span{start, p.last}
	p.q.where = append(p.q.where, c)
	return true
}

func (p *parser) operator(c *Condition) bool {
	t := p.tok
	switch {
	case t.kind == sign || t.kind == other:
		return p.signOperator(c)
	case t.key == kwLike:
		c.op = OpLike
	case t.key == kwIn:
		c.op = OpIn
	case t.key == kwNot:
		return p.negated(c)
	case p.is(t, "contains", "startswith", "endswith", "matches", "ilike", "rlike", "regexp"):
		p.report(p.here(), CodeOperator, "there is no operator %s: LIKE finds text, with %% for what may stand before and behind it", p.text(t))
		p.suggest("LIKE")
		c.op = OpLike
	default:
		p.report(p.here(), CodeOperator, "expected an operator (= != < <= > >= LIKE IN, NOT LIKE, NOT IN), found %s", p.describe(t))
		return false
	}
	p.advance()
	return true
}

func (p *parser) signOperator(c *Condition) bool {
	s := p.text(p.tok)
	switch Op(s) {
	case OpEq, OpNe, OpGt, OpGe, OpLt, OpLe:
		c.op = Op(s)
		p.advance()
		return true
	default:
	}
	switch s {
	case "==", "===":
		c.op = OpEq
	case "<>", "=!", "!==", "≠":
		c.op = OpNe
	case "=>", "≥":
		c.op = OpGe
	case "=<", "≤":
		c.op = OpLe
	default:
		p.report(p.here(), CodeOperator, "there is no operator %s: there are = != < <= > >= LIKE IN, NOT LIKE and NOT IN", shorten(s, 20))
		return false
	}
	p.report(p.here(), CodeOperator, "the operator is %s, not %s", c.op, s)
	p.suggest(string(c.op))
	p.advance()
	return true
}

func (p *parser) negated(c *Condition) bool {
	at := p.here()
	p.advance()
	switch p.tok.key {
	case kwLike:
		c.op = OpNotLike
	case kwIn:
		c.op = OpNotIn
	default:
		p.report(at, CodeNot, "NOT stands in NOT LIKE and NOT IN only, found %s behind it", p.describe(p.tok))
		if p.is(p.tok, "between") {
			p.advance()
			p.limits()
		}
		return false
	}
	p.advance()
	return true
}

// between takes the range of a BETWEEN and keeps it as two conditions.
func (p *parser) between(c Condition, start int) bool {
	at := p.here()
	p.advance()
	low, high, ok := p.limits()
	if !ok {
		p.report(at, CodeBetween, "there is no BETWEEN: use >= and <=")
		return false
	}
	from := Condition{column: c.column, op: OpGe, values: []Literal{low}, at: span{start, p.last}}
	to := Condition{column: c.column, op: OpLe, values: []Literal{high}, at: span{start, p.last}}
	p.report(from.at, CodeBetween, "there is no BETWEEN: use >= and <=")
	if c.column.text != "" {
		p.suggest(from.String() + " AND " + to.String())
	}
	p.q.where = append(p.q.where, from, to)
	return true
}

// limits takes the two values of a BETWEEN.
func (p *parser) limits() (low, high Literal, ok bool) {
	low, ok = p.literal()
	if !ok || p.tok.key != kwAnd {
		return low, high, false
	}
	p.advance()
	high, ok = p.literal()
	return low, high, ok
}

// isNull takes IS with what follows it.
func (p *parser) isNull(c Condition, start int) bool {
	is := p.here()
	p.advance()
	op := OpEq
	if p.tok.key == kwNot {
		op = OpNe
		p.advance()
	}
	if p.is(p.tok, "null") {
		p.advance()
		p.report(span{start, p.last}, CodeIsNull, "there is no IS NULL, and nothing else that finds empty cells: drop the condition and filter the rows of the report")
		return true
	}
	p.report(span{is.pos, p.last}, CodeOperator, "there is no IS")
	p.suggest(string(op))
	c.op = op
	v, ok := p.literal()
	if !ok {
		return false
	}
	c.values, c.at = []Literal{v}, span{start, p.last}
	p.q.where = append(p.q.where, c)
	return true
}

// list takes the values of IN. Lists of other operators, and single values of IN,
// are reported.
func (p *parser) list(c *Condition) bool {
	start := p.here()
	if p.tok.kind != opening {
		return p.openList(c, start.pos)
	}
	if !c.op.list() {
		p.report(start, CodeList, "a list goes with IN and NOT IN, not with %s", c.op)
	}
	p.advance()
	if p.tok.kind == closing {
		p.advance()
		p.report(span{start.pos, p.last}, CodeEmptyList, "the list is empty: it needs at least one value")
		return false
	}
	for {
		v, ok := p.literal()
		if !ok {
			p.skipCondition()
			if p.tok.kind == closing {
				p.advance()
			}
			return false
		}
		c.values = append(c.values, v)
		switch p.tok.kind {
		case closing:
			p.advance()
			p.mixed(c.values)
			return true
		case comma:
			p.advance()
		case text, number, day:
			p.report(p.here(), CodeList, "a comma is missing before %s", p.describe(p.tok))
			p.suggest(", " + p.text(p.tok))
		default:
			p.report(span{start.pos, p.last}, CodeList, "expected a comma or a closing parenthesis in the list, found %s", p.describe(p.tok))
			return false
		}
	}
}

// openList takes the values of IN without parentheses.
func (p *parser) openList(c *Condition, start int) bool {
	v, ok := p.literal()
	for ok {
		c.values = append(c.values, v)
		if next := p.peek().kind; p.tok.kind != comma || next != text && next != number && next != day {
			break
		}
		p.advance()
		v, ok = p.literal()
	}
	if !ok {
		return false
	}
	p.report(span{start, p.last}, CodeList, "%s takes a list in parentheses", c.op)
	p.suggest(string(appendList(nil, c.values)))
	return true
}

// mixed reports the first value of a list that is of the other kind than those
// before it.
func (p *parser) mixed(values []Literal) {
	for _, v := range values {
		if v.Quoted == values[0].Quoted {
			continue
		}
		p.report(v.at, CodeMixedList, "a list has either numbers or texts: put all of its values in quotes")
		if !v.Quoted {
			p.suggest(quote(v.Text))
		}
		return
	}
}

// literal takes a value.
func (p *parser) literal() (Literal, bool) {
	t := p.tok
	v := Literal{at: p.here()}
	switch {
	case t.kind == text:
		v.Quoted, v.Text = true, p.src[t.from:t.to]
		if t.flaw == wrongQuotes {
			p.report(v.at, CodeQuotes, "text stands between straight single quotes ('), as typed on a keyboard")
			p.suggest(quote(v.Text))
		} else if strings.Contains(v.Text, "'") {
			v.Text = strings.ReplaceAll(v.Text, "''", "'")
			p.warn(v.at, CodeQuoteInText, "the documentation has no notation for a quote inside of text; "+
				"should the service not understand the double one, use LIKE with %% in its place")
		}
		p.advance()
	case t.kind == day || t.kind == number && p.run(t.pos) > t.end:
		return p.unquoted("values other than numbers need quotes"), true
	case t.kind == number:
		v.Text = p.number(t)
		p.advance()
	case (p.symbol("+") || p.symbol(".")) && p.peek().kind == number && p.peek().pos == t.end:
		p.advance()
		v.at.end = p.tok.end
		v.Text = strings.TrimPrefix(p.text(t), "+") + p.text(p.tok)
		if v.Text[0] == '.' {
			v.Text = "0" + v.Text
		}
		p.report(v.at, CodeNumber, "a number has digits on both sides of the point, and no sign but minus")
		p.suggest(v.Text)
		p.advance()
	case p.is(t, "null"):
		p.report(v.at, CodeIsNull, "there is no NULL, and nothing that finds empty cells: drop the condition and filter the rows of the report")
		p.advance()
		return v, false
	case t.plain():
		return p.bareText(), true
	default:
		p.unexpected("a number or a text in quotes")
		return v, false
	}
	return v, true
}

func (p *parser) number(t token) string {
	s := p.text(t)
	switch t.flaw {
	case wrongMinus:
		_, n := utf8.DecodeRuneInString(s)
		s = "-" + s[n:]
		p.report(p.here(), CodeNumber, "this minus is a typographic dash")
		p.suggest(s)
	case badNumber:
		p.report(p.here(), CodeNumber, "%s is no number: expected digits, with a point before the fraction and a minus where there is one", shorten(s, 40))
	default:
	}
	return s
}

// bareText takes words where text in quotes belongs.
func (p *parser) bareText() Literal {
	t := p.tok
	if quote, ok := p.closingQuote(t.pos); ok {
		v := Literal{Text: p.src[t.pos:quote], Quoted: true, at: span{t.pos, quote + 1}}
		p.report(v.at, CodeUnquoted, "the opening quote (') is missing")
		p.suggest(v.String())
		p.seek(quote + 1)
		return v
	}
	single := p.run(t.pos) == t.end
	v := p.unquoted("text needs straight single quotes (')")
	if single && v.at.end == t.end {
		p.bare = append(p.bare, bareWord{problem: len(p.problems) - 1, text: v.Text})
	}
	return v
}

// unquoted takes everything that probably belongs to a text that lacks its quotes.
func (p *parser) unquoted(message string) Literal {
	start := p.tok.pos
	stop := p.run(start)
	for {
		l := lexer{src: p.src, off: stop}
		t := l.next()
		if t.kind != number && !t.plain() || p.foreignClause(t) {
			break
		}
		stop = p.run(t.pos)
	}
	v := Literal{Text: p.src[start:stop], Quoted: true, at: span{start, stop}}
	p.report(v.at, CodeUnquoted, "%s", message)
	p.suggest(v.String())
	p.seek(stop)
	return v
}

// run returns the end of the characters from off on that no separator interrupts.
func (p *parser) run(off int) int {
	n := strings.IndexFunc(p.src[off:], func(r rune) bool {
		return strings.ContainsRune(",();'=<>!", r) || unicode.IsSpace(r) || invisible(r)
	})
	if n < 0 {
		return len(p.src)
	}
	return off + n
}

// maxBare is how far a closing quote is looked for whose opening one is missing.
const maxBare = 200

// closingQuote finds the quote that ends the words from off on, when there is one
// that belongs to them alone.
func (p *parser) closingQuote(off int) (int, bool) {
	rest := p.src[off:min(len(p.src), off+maxBare)]
	n := strings.IndexAny(rest, "'=<>!(),;\r\n")
	if n < 1 || rest[n] != '\'' || rest[n-1] == ' ' {
		return 0, false
	}
	next := off + n + 1
	return off + n, next == len(p.src) || strings.IndexByte(" \t\r\n),;", p.src[next]) >= 0
}
