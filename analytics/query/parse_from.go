package query

import "strings"

// from takes FROM and the dataset.
func (p *parser) from() {
	switch {
	case p.tok.key == kwFrom:
		p.advance()
	case p.tok.plain():
		p.report(p.here(), CodeMissingFrom, "FROM is missing before the dataset")
		p.suggest("FROM " + p.text(p.tok))
	default:
		p.report(p.here(), CodeMissingFrom, "FROM and the name of a dataset are missing before %s", p.describe(p.tok))
		return
	}
	switch {
	case p.subquery("name a dataset"):
	case p.boundary(p.tok):
		p.unexpected("the name of a dataset")
		if p.tok.key == kwFrom {
			p.advance()
		}
		return
	default:
		n, ok := p.name("the name of a dataset")
		if !ok {
			p.skip()
			return
		}
		p.q.dataset = n
	}
	p.behindDataset()
}

// behindDataset reports what SQL would allow behind a dataset.
func (p *parser) behindDataset() {
	switch {
	case p.tok.kind == comma || p.is(p.tok, "join", "inner", "left", "right", "full", "outer", "cross", "natural"):
		p.report(p.here(), CodeManyDatasets, "a query reads one dataset: write one query for each")
		p.skip()
	case p.is(p.tok, "as"):
		p.report(p.here(), CodeAlias, "datasets cannot be renamed: delete AS and the name behind it")
		p.advance()
		if p.tok.plain() {
			p.advance()
		}
	case p.tok.plain() && !p.foreignClause(p.tok) && p.meant() == noKeyword:
		p.report(p.here(), CodeAlias, "expected a clause, found %s: datasets cannot be renamed", p.describe(p.tok))
		p.advance()
	}
}

// clauses takes what follows the dataset.
func (p *parser) clauses() {
	var seen [5]bool
	highest := noKeyword
	for p.tok.kind != end {
		k := p.tok.key
		place := k.clause()
		if place == 0 {
			p.stray()
			continue
		}
		switch {
		case seen[place]:
			p.report(p.here(), CodeRepeatedClause, "there is a second %s: a query has each clause once", clauseName(k))
		case place < highest.clause():
			p.report(p.here(), CodeClauseOrder, "%s has to stand before %s: the order is WHERE, ORDER BY, LIMIT, TIMESPAN", clauseName(k), clauseName(highest))
		default:
			highest = k
		}
		seen[place] = true
		p.advance()
		switch k {
		case kwWhere:
			p.where()
		case kwOrder:
			p.orderBy()
		case kwLimit:
			p.limit()
		default:
			p.timespan()
		}
	}
}

func clauseName(k keyword) string {
	if k == kwOrder {
		return "ORDER BY"
	}
	return k.String()
}

// stray reports a token that begins no clause, and takes it.
func (p *parser) stray() {
	t := p.tok
	switch {
	case t.kind == other && p.text(t) == ";":
		p.semicolon()
		return
	case p.is(t, "group", "having"):
		p.report(p.here(), CodeGrouping, "there is no GROUP BY and no HAVING: a metric is aggregated over the columns selected with it, and WHERE takes metrics too")
	case p.is(t, "union", "intersect", "except", "join", "inner", "on"):
		p.report(p.here(), CodeManyDatasets, "a query reads one dataset: write one query for each")
	case p.is(t, "offset", "fetch", "top"):
		p.report(p.here(), CodeSyntax, "there is no %s: LIMIT is the only way to ask for fewer rows", strings.ToUpper(p.text(t)))
	case t.key == kwAnd || p.is(t, "or"):
		p.report(p.here(), CodeSyntax, "%s joins conditions, which belong behind WHERE", p.text(t))
	case t.kind == closing:
		p.report(p.here(), CodeParentheses, "this parenthesis closes nothing: delete it")
		p.advance()
		return
	case t.key == kwFrom:
		p.report(p.here(), CodeRepeatedClause, "there is a second FROM: a query reads one dataset")
	case t.plain() && p.meant() != noKeyword:
		k := p.meant()
		p.misspelled(k)
		p.tok.key = k
		return
	default:
		p.unexpected("WHERE, ORDER BY, LIMIT, TIMESPAN or the end")
	}
	p.advance()
	p.skip()
}

// foreignClause reports words that begin a clause in SQL.
func (p *parser) foreignClause(t token) bool {
	return p.is(t, "group", "having", "union", "intersect", "except", "on", "offset", "fetch", "top", "or")
}

// meant returns the keyword of a clause that the current word looks like.
func (p *parser) meant() keyword {
	for _, k := range []keyword{kwWhere, kwOrder, kwLimit, kwTimespan} {
		if near(p.text(p.tok), k.String()) {
			return k
		}
	}
	return noKeyword
}

func (p *parser) semicolon() {
	at := p.here()
	p.advance()
	if p.tok.kind == end {
		p.report(at, CodeSemicolon, "a query has no semicolon: delete it")
		return
	}
	p.report(at, CodeSemicolon, "there is one query in a text, and no semicolon: delete it and what follows")
	p.stop()
}
