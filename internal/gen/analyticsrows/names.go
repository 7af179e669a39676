package main

import (
	"strings"
	"unicode"
)

// words splits a column's name where its letters change case, and at underscores.
func words(name string) []string {
	name = strings.ReplaceAll(name, "TPid", "Tpid")
	var out []string
	for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return r == '_' }) {
		runes, start := []rune(part), 0
		for i := 1; i < len(runes); i++ {
			up := unicode.IsUpper(runes[i])
			begins := up && !unicode.IsUpper(runes[i-1]) && !unicode.IsDigit(runes[i-1])
			ends := up && i+1 < len(runes) && unicode.IsLower(runes[i+1]) // the word behind an acronym
			if begins || ends {
				out = append(out, string(runes[start:i]))
				start = i
			}
		}
		out = append(out, string(runes[start:]))
	}
	return out
}

// initialism returns the Go spelling of a word that is one.
func initialism(word string) string {
	switch strings.ToLower(word) {
	case "id", "sku", "uri", "mpn", "tpid", "pga", "vm":
		return strings.ToUpper(word)
	}
	return word
}

// goName returns the name of the field for a column.
func goName(column string) string {
	var b strings.Builder
	for _, w := range words(column) {
		w = initialism(w)
		b.WriteString(strings.ToUpper(w[:1]) + w[1:])
	}
	return b.String()
}

// phrase returns a column's name as words of a sentence.
func phrase(column string) string {
	parts := words(column)
	for i, w := range parts {
		w = initialism(w)
		if strings.ToUpper(w) != w {
			w = strings.ToLower(w)
		}
		parts[i] = w
	}
	return strings.Join(parts, " ")
}

// longest is how many letters a name may have to be read as words. Longer ones are
// whole sentences without their blanks.
const longest = 40
