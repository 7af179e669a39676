package query

import (
	"errors"
	"strconv"
	"strings"
	"unicode"
)

// orderBy takes what follows ORDER.
func (p *parser) orderBy() {
	if p.tok.key == kwBy {
		p.advance()
	} else {
		p.report(p.here(), CodeSyntax, "BY is missing behind ORDER")
	}
	for {
		if p.tok.kind == number {
			p.report(p.here(), CodeSyntax, "ORDER BY takes names, not the number of a column")
			p.advance()
		} else if n, ok := p.name("a column"); ok {
			o := Order{column: n}
			p.direction(&o)
			p.q.order = append(p.q.order, o)
		} else {
			p.skip()
			return
		}
		if p.tok.kind != comma {
			return
		}
		p.advance()
	}
}

func (p *parser) direction(o *Order) {
	t := p.tok
	o.at = p.here()
	switch {
	case t.key == kwAsc:
		o.direction = Ascending
	case t.key == kwDesc:
		o.direction = Descending
	case !t.plain() || p.foreignClause(t) || p.meant() != noKeyword:
		return
	default:
		p.report(p.here(), CodeDirection, "a direction is ASC or DESC (which is also the default), found %s", p.describe(t))
		switch {
		case p.is(t, "up", "ascending", "asce", "increasing"):
			p.suggest("ASC")
		case p.is(t, "down", "descending", "decs", "decreasing"):
			p.suggest("DESC")
		}
		for p.tok.kind != comma && !p.boundary(p.tok) {
			p.advance()
		}
		return
	}
	p.advance()
}

// limit takes what follows LIMIT.
func (p *parser) limit() {
	t := p.tok
	p.q.limitAt = p.here()
	if t.kind != number || t.flaw != sound {
		p.report(p.here(), CodeLimit, "LIMIT takes a whole number from 1 on, found %s", p.describe(t))
		if t.kind == text {
			if n, err := strconv.ParseInt(p.src[t.from:t.to], 10, 64); err == nil && n > 0 {
				p.suggest(strconv.FormatInt(n, 10))
			}
		}
		if !p.boundary(t) {
			p.advance()
		}
		return
	}
	n, err := strconv.ParseInt(p.text(t), 10, 64)
	if errors.Is(err, strconv.ErrRange) && n > 0 {
		err = nil // no limit in effect; n is the highest number there is
	}
	if err != nil || n < 1 {
		p.report(p.here(), CodeLimit, "LIMIT takes a whole number from 1 on, found %s", shorten(p.text(t), 40))
	} else {
		p.q.limit = n
	}
	p.advance()
}

// timespan takes what follows TIMESPAN. Which words there are is for the check to
// say: the service may have new ones.
func (p *parser) timespan() {
	t := p.tok
	switch {
	case t.kind == text || t.kind == day || t.kind == number:
		p.report(p.here(), CodeTimespan, "TIMESPAN takes a word such as LAST_MONTH, no dates: for a window of your own run the report at once, with start and end time")
		p.advance()
	case t.plain() && t.flaw == wrongLetter:
		p.reportLetters(t)
		p.advance()
	case t.plain():
		p.q.timespan = name{text: p.text(t), at: p.here()}
		p.advance()
		p.spelledOut(t.pos)
	default:
		p.report(p.here(), CodeTimespan, "TIMESPAN needs a word such as LAST_MONTH, found %s", p.describe(t))
		if !p.boundary(t) {
			p.advance()
		}
	}
}

// spelledOut reports words written with blanks or dashes in place of underscores.
func (p *parser) spelledOut(start int) {
	l := lexer{src: p.src, off: p.last}
	stop := p.last
	for range 4 { // LAST - 6 - MONTHS
		t := l.next()
		if !t.plain() && t.kind != number && (t.kind != other || p.text(t) != "-") {
			break
		}
		stop = t.end
	}
	parts := strings.FieldsFunc(p.src[start:stop], func(r rune) bool { return r == '-' || unicode.IsSpace(r) })
	joined := Timespan(strings.ToUpper(strings.Join(parts, "_")))
	if stop == p.last || !joined.Known() {
		return
	}
	p.report(span{start, stop}, CodeTimespan, "the parts of the word are joined by underscores")
	p.suggest(string(joined))
	p.q.timespan = name{}
	p.seek(stop)
}
