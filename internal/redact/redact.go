// Package redact takes secrets out of text of foreign origin before it is kept,
// logged or put into an error.
package redact

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Mark stands where a secret was.
const Mark = "[redacted]"

// Parts of the patterns below. Text may be percent-encoded, also twice.
const (
	formNames = `sig|client_secret|refresh_token|access_token|id_token|client_assertion|assertion|password|code_verifier|device_code|accountkey`
	jsonNames = `sig|client_?secret|refresh_?token|access_?token|id_?token|client_?assertion|assertion|password|code_?verifier|device_?code|` +
		// members of the submission API, and of reports
		`[a-z]*connectionstring|[a-z]*applicationkey|httpsendpointuri|callbackurl`
	start  = `(?:\b|%(?:25)*[0-9a-f]{2})`
	equals = `(?:=|%(?:25)*3d)`
)

// patterns are tried where one of their hints occurs in the lower-case text:
// looking for a word is a hundred times faster than a pattern that ignores case.
var patterns = []struct {
	hints []string
	re    *regexp.Regexp
	with  string
}{
	// JSON Web Tokens, whole or cut.
	{[]string{"eyj"}, regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}`), Mark},
	// Authorization values in prose; short words after "Bearer" are prose too.
	{[]string{"bearer"}, regexp.MustCompile(`(?i)\b(bearer\s+)[A-Za-z0-9._~+/=-]{16,}`), "${1}" + Mark},
	// Query strings and form bodies: SAS signatures and OAuth parameters.
	{words, regexp.MustCompile(`(?i)(` + start + `(?:` + formNames + `)` + equals + `)[^&\s"'<>\\]+`), "${1}" + Mark},
	// The same names as JSON members, and as members of JSON inside a JSON string.
	{words, regexp.MustCompile(`(?is)("(?:` + jsonNames + `)"\s*:\s*")(?:[^"\\]|\\.)*`), "${1}" + Mark},
	{words, regexp.MustCompile(`(?is)(\\"(?:` + jsonNames + `)\\"\s*:\s*\\")(?:[^"\\]|\\\\(?:\\"|.))*`), "${1}" + Mark},
	// The password of a URL, as errors about proxies quote it.
	{[]string{"://"}, regexp.MustCompile(`(://[^/\s:@"]*:)[^/\s@"]+@`), "${1}" + Mark + "@"},
}

// words are the hints for formNames and jsonNames.
var words = []string{
	"sig", "secret", "token", "assertion", "password", "verifier", "device", "accountkey", "connectionstring", "applicationkey", "httpsendpointuri", "callbackurl",
}

// Text replaces what looks like a token, a signature or a secret form field, and
// every occurrence of the known secrets, plain, percent-encoded or JSON-escaped.
// Where that finds nothing, the result is s, byte for byte.
func Text(s string, known ...string) string {
	s = replaceKnown(s, known)
	plain := unescaped(s)
	if clean := replacePatterns(replaceKnown(plain, known)); clean != plain {
		return clean
	}
	return s
}

func replaceKnown(s string, known []string) string {
	for _, k := range known {
		if len(k) < 4 { // too short to tell from ordinary text
			continue
		}
		s = strings.ReplaceAll(s, k, Mark)
		if re := encoded(k); re != nil {
			s = re.ReplaceAllLiteralString(s, Mark)
		}
	}
	return s
}

func replacePatterns(s string) string {
	lower := strings.ToLower(s)
	for _, p := range patterns {
		if slices.ContainsFunc(p.hints, func(hint string) bool { return strings.Contains(lower, hint) }) {
			s = p.re.ReplaceAllString(s, p.with)
		}
	}
	return s
}

// escape matches the JSON escapes of printable characters other than quote and
// backslash, which any writer of JSON may use and some do (\u0026 for &), also
// within a JSON string within a JSON string.
var escape = regexp.MustCompile(`\\+(?:u00(?:2[013-9a-fA-F]|[346][0-9a-fA-F]|5[0-9abd-fABD-F]|7[0-9a-eA-E])|/)`)

func unescaped(s string) string {
	if !strings.Contains(s, `\u00`) && !strings.Contains(s, `\/`) {
		return s
	}
	return escape.ReplaceAllStringFunc(s, func(seq string) string {
		if strings.HasSuffix(seq, "/") {
			return "/"
		}
		code, err := strconv.ParseUint(seq[len(seq)-2:], 16, 7)
		if err != nil {
			return seq
		}
		return string(rune(code))
	})
}

// encoded matches a secret with any of its special characters percent-encoded or
// JSON-escaped. It returns nil when there are none, as in a JSON Web Token.
func encoded(secret string) *regexp.Regexp {
	var b strings.Builder
	special := false
	for _, r := range secret {
		plain := regexp.QuoteMeta(string(r))
		if r == '-' || r == '_' || r == '.' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' {
			b.WriteString(plain)
			continue
		}
		special = true
		b.WriteString(`(?:` + plain + `|\\` + plain + `|(?i:`)
		for _, c := range []byte(string(r)) {
			fmt.Fprintf(&b, `%%(?:25)*%02x`, c)
		}
		fmt.Fprintf(&b, `|\\u%04x)`, r)
		if r == ' ' {
			b.WriteString(`|\+|%(?:25)*2[bB]`)
		}
		b.WriteString(`)`)
	}
	if !special {
		return nil
	}
	re, err := regexp.Compile(b.String())
	if err != nil {
		return nil // not UTF-8: no encoder would have kept it either
	}
	return re
}

// Bytes is [Text] for bytes. The result does not share memory with b.
func Bytes(b []byte, known ...string) []byte {
	if len(b) == 0 {
		return nil
	}
	return []byte(Text(string(b), known...))
}

// Header returns a copy of h whose values went through [Text]; nil stays nil.
func Header(h http.Header, known ...string) http.Header {
	out := h.Clone()
	for _, values := range out {
		for i, v := range values {
			values[i] = Text(v, known...)
		}
	}
	return out
}
