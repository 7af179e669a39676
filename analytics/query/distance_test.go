package query

import (
	"slices"
	"strings"
	"testing"
)

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"abc", "abc", 0}, {"ABC", "abc", 0}, {"a_b_c", "abc", 0},
		{"abc", "abd", 1}, {"abc", "ab", 1}, {"ab", "abc", 1}, {"abc", "acb", 1}, {"", "abc", 3},
		{"kitten", "sitting", 3}, {"abcdef", "badcfe", 3},
	} {
		for _, limit := range []int{9, c.want} {
			if got := distance(c.a, c.b, limit); got != c.want {
				t.Errorf("distance(%q, %q, %d) = %d, want %d", c.a, c.b, limit, got, c.want)
			}
		}
		if got := distance(c.b, c.a, 9); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.b, c.a, got, c.want)
		}
		if c.want > 0 {
			if got := distance(c.a, c.b, c.want-1); got <= c.want-1 {
				t.Errorf("distance(%q, %q) = %d below a limit that it exceeds", c.a, c.b, got)
			}
		}
	}
	if got := distance(strings.Repeat("a", 200), strings.Repeat("a", 200), 3); got != 4 {
		t.Errorf("long names are compared: %d", got)
	}
}

func TestNearest(t *testing.T) {
	names := slices.Values([]string{"OfferName", "OfferType", "SKU", "CustomerCompanyName"})
	for _, c := range []struct{ name, want string }{
		{"OfferNme", "OfferName"}, {"offer_type", "OfferType"}, {"OfferNaem", "OfferName"}, {"CustomerCompanName", "CustomerCompanyName"},
		{"SKUU", "SKU"}, {"ABC", ""}, {"Quantity", ""}, {"", ""},
	} {
		if got := nearest(c.name, names); got != c.want {
			t.Errorf("nearest(%q) = %q, want %q", c.name, got, c.want)
		}
	}
}

func TestKeywordsAreRecognizedInAnyCase(t *testing.T) {
	for k := kwSelect; k <= kwTimespan; k++ {
		for _, s := range []string{k.String(), strings.ToLower(k.String()), k.String()[:1] + strings.ToLower(k.String()[1:])} {
			if keywordOf(s) != k {
				t.Errorf("keywordOf(%q) = %v", s, keywordOf(s))
			}
		}
		if keywordOf(k.String()+"x") != noKeyword || keywordOf("x"+k.String()[1:]) != noKeyword {
			t.Errorf("something like %v is a keyword", k)
		}
	}
	if noKeyword.String() != "" {
		t.Error("no keyword has a name")
	}
}
