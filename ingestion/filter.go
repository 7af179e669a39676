package ingestion

import (
	"errors"
	"fmt"
	"strings"

	"github.com/partnercenter-go/partnercenter/internal/transport"
)

// Filter narrows a listing. The service compares for equality only. The zero value
// lets everything through.
type Filter struct {
	text    string
	subject string // what it filters: products, submissions, or either
	err     error
}

// What filters are for.
const (
	subjectProducts    = "products"
	subjectSubmissions = "submissions"
)

// String returns the text that is sent as $filter, unescaped.
func (f Filter) String() string { return f.text }

// Err returns the first mistake made while building the filter.
func (f Filter) Err() error { return f.err }

// TypeIs matches products of one type. Some accounts can list their products in
// no other way: without a filter the service answers them with 400.
func TypeIs(t ProductType) Filter {
	return Filter{text: "resourceType eq " + literal(string(t)), subject: subjectProducts, err: checkLiteral("product type", string(t))}
}

// OfferIDIs matches the product with the offer id, of which there is one at most.
func OfferIDIs(offerID string) Filter { return ExternalIDIs(ExternalOfferID, offerID) }

// ExternalIDIs matches products with an external id.
func ExternalIDIs(kind, value string) Filter {
	err := checkLiteral("type of the external id", kind)
	if err == nil {
		err = checkLiteral("external id", value)
	}
	text := fmt.Sprintf("externalIDs/Any(i:i/type eq %s and i/value eq %s)", literal(kind), literal(value))
	return Filter{text: text, subject: subjectProducts, err: err}
}

// StateIs matches submissions in a state.
func StateIs(s SubmissionState) Filter {
	return Filter{text: "state eq " + literal(string(s)), subject: subjectSubmissions, err: checkLiteral("state", string(s))}
}

// RawFilter takes a filter in the service's own syntax, an OData expression, and
// sends it as it is.
func RawFilter(text string) Filter {
	var err error
	if strings.HasPrefix(strings.ToLower(strings.TrimSpace(text)), "$filter=") {
		err = errors.New("ingestion: a filter is given without the leading $filter=")
	}
	return Filter{text: text, err: err}
}

// And matches what all filters match. Zero filters are left out.
func And(filters ...Filter) Filter {
	var out Filter
	var parts []string
	for _, f := range filters {
		if f.text == "" && f.err == nil {
			continue
		}
		switch {
		case out.err != nil:
		case f.err != nil:
			out.err = f.err
		case f.subject != "" && out.subject != "" && f.subject != out.subject:
			out.err = fmt.Errorf("ingestion: a filter for %s and one for %s do not go together", out.subject, f.subject)
		}
		if f.subject != "" {
			out.subject = f.subject
		}
		parts = append(parts, f.text)
	}
	if len(parts) > 1 {
		for i, p := range parts {
			parts[i] = "(" + p + ")"
		}
	}
	out.text = strings.Join(parts, " and ")
	return out
}

// check returns the filter's own error, or one for a filter of other things.
func (f Filter) check(subject string) error {
	if f.err == nil && f.subject != "" && f.subject != subject {
		return fmt.Errorf("ingestion: this filter is for %s, not for %s", f.subject, subject)
	}
	return f.err
}

// query puts the filter in front of what else is asked for.
func (f Filter) query(rest string) string {
	if f.text == "" {
		return rest
	}
	q := transport.Query("$filter", f.text)
	if rest != "" {
		q += "&" + rest
	}
	return q
}

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func checkLiteral(what, s string) error {
	if strings.TrimSpace(s) == "" {
		return fmt.Errorf("ingestion: filter: the %s is empty", what)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Errorf("ingestion: filter: the %s %q holds a control character", what, s)
	}
	return nil
}
