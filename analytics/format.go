package analytics

import "strings"

// Format is the text format of a report's file.
type Format string

// The formats that the service writes.
const (
	// CSV separates cells by commas. It is the default.
	CSV Format = "csv"
	// TSV separates cells by tabs.
	TSV Format = "tsv"
)

// Is compares two formats without regard to case.
func (f Format) Is(other Format) bool { return strings.EqualFold(string(f), string(other)) }

// CallbackMethod is how the service tells that a report is ready.
type CallbackMethod string

// The two methods.
const (
	// CallbackPOST appends the report's id to the path of the callback URL. It is
	// the service's default.
	CallbackPOST CallbackMethod = "POST"
	// CallbackGET appends the report's id as the query parameter reportId.
	CallbackGET CallbackMethod = "GET"
)

// Is compares two methods without regard to case.
func (m CallbackMethod) Is(other CallbackMethod) bool {
	return strings.EqualFold(string(m), string(other))
}

// checkFormat allows the empty format, which stands for the default.
func (p *problems) checkFormat(f Format) {
	if f != "" && !f.Is(CSV) && !f.Is(TSV) {
		p.published("Format", "is %q, but reports are written as csv or tsv", string(f))
	}
}
