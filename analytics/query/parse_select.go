package query

import "strings"

// selectKeyword takes SELECT and DISTINCT. It returns false when what follows is
// no query at all.
func (p *parser) selectKeyword() bool {
	first := p.tok
	switch {
	case first.key == kwSelect:
		p.advance()
	case first.plain() && p.misspelled(kwSelect) && p.peek().kind != comma && p.peek().key != kwFrom:
		p.advance()
	default:
		p.report(p.here(), CodeMissingSelect, "a query begins with SELECT, this text begins with %s", p.describe(first))
		next := p.peek()
		if !first.plain() || next.kind != comma && next.key != kwFrom {
			return false
		}
		p.suggest("SELECT " + p.text(first))
	}
	if p.tok.key == kwDistinct {
		p.q.distinct = true
		p.advance()
	}
	return true
}

// misspelled reports, with a problem, a word that was probably meant to be the
// keyword.
func (p *parser) misspelled(k keyword) bool {
	if !near(p.text(p.tok), k.String()) {
		return false
	}
	p.report(p.here(), CodeSyntax, "%s looks like the keyword %v", p.describe(p.tok), k)
	p.suggest(k.String())
	return true
}

func (p *parser) selectList() {
	if p.is(p.tok, "top") && p.peek().kind == number {
		p.report(p.here(), CodeSyntax, "there is no TOP: write LIMIT and the number behind the conditions")
		p.advance()
		p.advance()
	}
	for first := true; ; first = false {
		switch {
		case p.tok.kind == star:
			p.report(p.here(), CodeStar, "there is no *: name the columns")
			if p.star < 0 {
				p.star = len(p.problems) - 1
			}
			p.advance()
		case p.boundary(p.tok) && first:
			p.report(p.here(), CodeEmptySelect, "SELECT needs at least one column or metric")
			return
		case p.boundary(p.tok):
			p.report(p.here(), CodeSyntax, "a column is missing behind the comma, or the comma is one too many")
			return
		default:
			n, ok := p.name("a column")
			if !ok {
				p.skip()
				return
			}
			p.q.columns = append(p.q.columns, n)
		}
		if !p.nextColumn() {
			return
		}
	}
}

// nextColumn takes what stands between two columns. It returns false at the end of
// the list.
func (p *parser) nextColumn() bool {
	for {
		switch {
		case p.tok.kind == comma:
			p.advance()
			return true
		case p.boundary(p.tok):
			return false
		case p.is(p.tok, "as"):
			p.report(p.here(), CodeAlias, "columns cannot be renamed: delete AS and the name behind it")
			p.advance()
			if p.tok.plain() || p.tok.kind == text {
				p.advance()
			}
		case p.tok.plain() && p.boundary(p.peek()) && p.peek().key != kwFrom:
			return false // the dataset, without FROM
		case p.tok.plain() && p.peek().plain() && p.misspelled(kwFrom):
			p.tok.key = kwFrom
			return false
		case p.tok.plain():
			p.report(p.here(), CodeAlias, "a comma is missing before %s, or it is meant as another name, which columns cannot have", p.describe(p.tok))
			p.suggest(", " + p.text(p.tok))
			p.advance()
		default:
			p.report(p.here(), CodeSyntax, "expected a comma or FROM, found %s: SELECT takes names only, without expressions", p.describe(p.tok))
			for p.tok.kind != comma && !p.boundary(p.tok) {
				p.advance()
			}
		}
	}
}

// name takes the name of a column or dataset. What is decorated in the manner of
// SQL is reported and understood nevertheless; its text is empty when a check
// could not say anything about it.
func (p *parser) name(wanted string) (name, bool) {
	t := p.tok
	n := name{at: p.here()}
	switch {
	case t.plain():
		n.text = p.text(t)
		if t.flaw == wrongLetter {
			p.reportLetters(t)
			n.text = ""
		}
		p.advance()
	case t.kind == text:
		p.quotedName(t, p.src[t.from:t.to])
		p.advance()
		return n, true
	case t.kind == other && p.text(t) == "[":
		p.bracketed()
		return n, true
	default:
		p.unexpected(wanted)
		return n, false
	}
	p.qualified(&n)
	if p.tok.kind == opening {
		p.call(&n)
	}
	return n, true
}

func (p *parser) reportLetters(t token) {
	for _, r := range p.text(t) {
		if r > 0x7f {
			p.report(p.here(), CodeEncoding, "names have ASCII letters only, but the %c (%U) in %q is another character", r, r, shorten(p.text(t), 40))
			return
		}
	}
}

func (p *parser) quotedName(t token, content string) {
	p.report(span{t.pos, t.end}, CodeQuotedName, "names have neither quotes nor brackets")
	if isName(content) {
		p.suggest(content)
	}
}

func (p *parser) bracketed() {
	t := p.tok
	n := strings.IndexByte(p.src[t.pos:], ']')
	if n < 0 {
		p.unexpected("a name")
		p.skip()
		return
	}
	t.end = t.pos + n + 1
	p.quotedName(t, p.src[t.pos+1:t.end-1])
	p.seek(t.end)
}

// qualified takes a dot and what follows it: the last part is the name.
func (p *parser) qualified(n *name) {
	if p.tok.kind != other || p.text(p.tok) != "." {
		return
	}
	for p.tok.kind == other && p.text(p.tok) == "." {
		p.advance()
		if p.tok.plain() || p.tok.kind == text {
			n.text = p.text(p.tok)
			p.advance()
		}
	}
	n.at.end = p.last
	p.report(n.at, CodeQualifiedName, "names have no prefix: leave out what stands before the last dot")
	if isName(n.text) {
		p.suggest(n.text)
	} else {
		n.text = ""
	}
}

// call takes parentheses behind a name.
func (p *parser) call(n *name) {
	function := n.text
	p.skipParentheses()
	n.at.end = p.last
	n.text = ""
	switch strings.ToUpper(function) {
	case "SUM", "COUNT", "AVG", "MIN", "MAX":
		p.report(n.at, CodeFunction, "there are no functions: select a metric, which is aggregated over the columns selected with it")
	default:
		p.report(n.at, CodeFunction, "there are no functions, and names with parentheses are refused even where the dataset lists them: leave this out")
	}
}

// isName reports whether s has the form of a name and is no keyword.
func isName(s string) bool {
	for i := range len(s) {
		if !isLetter(s[i]) && (i == 0 || !isDigit(s[i])) {
			return false
		}
	}
	return s != "" && keywordOf(s) == noKeyword
}
