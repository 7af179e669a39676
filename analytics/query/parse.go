package query

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Parse reads a query. A text that is no query is refused with [Problems], which
// has every mistake that could be told apart, not only the first.
//
// Names are not looked up; that is what [Check] does. Time and memory grow with
// the length of the text only.
//
// The language is that of
// https://learn.microsoft.com/partner-center/insights/analytics-custom-query-specification.
func Parse(text string) (*Query, error) {
	p := parse(text)
	if err := p.problems.Err(); err != nil {
		locate(text, p.problems)
		return nil, err
	}
	return p.q, nil
}

// parser goes through a text from left to right, with one token to look at. It
// goes on after a mistake: at the next thing that it can recognize.
type parser struct {
	collector
	src  string
	lex  lexer
	tok  token // the one to look at
	last int   // end of the token before it
	q    *Query
	// Problems that a catalog can say more about.
	star int        // of SELECT *, -1 when there is none
	bare []bareWord // of values without quotes
}

// bareWord is a single word where a value belongs.
type bareWord struct {
	problem int
	text    string
}

func parse(src string) *parser {
	p := &parser{src: src, lex: lexer{src: src}, q: &Query{text: src}, star: -1}
	if n := invalidUTF8(src); n >= 0 {
		p.report(span{n, n + 1}, CodeEncoding, "the text is not UTF-8 from here on: send it in that encoding")
		return p
	}
	p.advance()
	if p.tok.kind == end {
		p.report(p.here(), CodeEmpty, "the text is empty: a query has at least SELECT, a column, FROM and a dataset")
		return p
	}
	if p.selectKeyword() {
		p.selectList()
		p.from()
		p.clauses()
	}
	return p
}

// invalidUTF8 returns the offset of the first byte that is not UTF-8, or -1.
func invalidUTF8(s string) int {
	if utf8.ValidString(s) {
		return -1
	}
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			return i
		}
	}
	return -1
}

// ---- tokens

// advance takes the next token. What is wrong with a token wherever it stands is
// reported here.
func (p *parser) advance() {
	p.last = p.tok.end
	for {
		if p.full() {
			p.stop()
			return
		}
		p.tok = p.lex.next()
		p.reportGap()
		if p.tok.kind != comment {
			break
		}
		p.report(p.here(), CodeComment, "the language has no comments: delete this one")
	}
	if p.tok.kind == text && p.tok.flaw == unterminated {
		p.reportUnterminated()
	}
}

func (p *parser) reportGap() {
	if p.tok.gap < 0 {
		return
	}
	r, n := utf8.DecodeRuneInString(p.src[p.tok.gap:])
	at := span{p.tok.gap, p.tok.gap + n}
	if invisible(r) {
		p.report(at, CodeEncoding, "there is an invisible character (%U) here, as copied text often has: delete it", r)
		return
	}
	p.warn(at, CodeEncoding, "this blank is another character (%U) than the space bar's, as copied text often has it", r)
	p.suggest(" ")
}

func (p *parser) reportUnterminated() {
	content := p.src[p.tok.from:p.tok.to]
	for i, r := range content {
		closing := p.tok.from + i + utf8.RuneLen(r)
		if isQuote(r) && (closing == len(p.src) || !isLetter(p.src[closing])) { // else it is an apostrophe
			p.report(span{p.tok.pos, closing}, CodeQuotes, "text ends with a straight single quote ('), not with %c", r)
			p.suggest(quote(content[:i]))
			p.tok.to, p.tok.end, p.tok.flaw = p.tok.from+i, closing, sound
			p.lex.off = closing
			return
		}
	}
	p.report(span{p.tok.pos, p.tok.from}, CodeUnterminated,
		"the text that begins here has no closing quote ('); a quote inside of text is written twice")
}

// peek returns the token behind the current one.
func (p *parser) peek() token {
	l := p.lex
	for {
		if t := l.next(); t.kind != comment {
			return t
		}
	}
}

// seek goes on at another place, further on in the text.
func (p *parser) seek(off int) {
	p.lex.off = off
	p.advance()
	p.last = off
}

// stop skips the rest of the text.
func (p *parser) stop() {
	p.lex.off = len(p.src)
	p.tok = token{pos: len(p.src), end: len(p.src), gap: -1}
}

func (p *parser) text(t token) string { return p.src[t.pos:t.end] }

// is reports whether the token is a word, in any case, that is no keyword of the
// grammar.
func (p *parser) is(t token, words ...string) bool {
	if t.kind != word || t.key != noKeyword {
		return false
	}
	for _, w := range words {
		if strings.EqualFold(p.text(t), w) {
			return true
		}
	}
	return false
}

// plain reports whether the token is a word that may be a name.
func (t token) plain() bool { return t.kind == word && t.key == noKeyword }

// boundary reports whether a clause, or the end, begins with the token.
func (p *parser) boundary(t token) bool {
	return t.kind == end || t.key == kwFrom || t.key.clause() > 0 || t.kind == other && p.text(t) == ";"
}

// skip takes tokens until one that begins a clause.
func (p *parser) skip() {
	for !p.boundary(p.tok) {
		p.advance()
	}
}

// skipParentheses takes everything up to the closing parenthesis that belongs to
// the current, opening one.
func (p *parser) skipParentheses() {
	subquery := p.peek().key == kwSelect
	for depth := 0; p.tok.kind != end; {
		switch {
		case p.tok.kind == opening:
			depth++
		case p.tok.kind == closing:
			depth--
		case !subquery && p.boundary(p.tok):
			return
		}
		p.advance()
		if depth == 0 {
			return
		}
	}
}

// ---- problems

func (p *parser) here() span { return span{p.tok.pos, p.tok.end} }

// unexpected reports the current token.
func (p *parser) unexpected(wanted string) {
	p.report(p.here(), CodeSyntax, "expected %s, found %s", wanted, p.describe(p.tok))
}

func (p *parser) describe(t token) string {
	switch {
	case t.kind == end:
		return "the end of the text"
	case t.key != noKeyword:
		return "the keyword " + t.key.String()
	case t.kind == text:
		return "the text " + shorten(p.text(t), 40)
	case t.kind == number:
		return "the number " + shorten(p.text(t), 40)
	}
	return fmt.Sprintf("%q", shorten(p.text(t), 40))
}
