package analytics

import "time"

// wireTime is the only form of a time that the service takes.
const wireTime = "2006-01-02T15:04:05Z"

// wire writes a time for a request, to the second and in UTC; empty for the zero
// time.
func wire(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(wireTime)
}

// checkTime refuses times that the wire form has no room for.
func (p *problems) checkTime(field string, t time.Time) {
	if year := t.UTC().Year(); !t.IsZero() && (year < 1 || year > 9999) {
		p.must(field, "has the year %d, which cannot be written as yyyy-MM-ddTHH:mm:ssZ", year)
	}
}

// checkWindow looks at the two ends of a time window.
func (p *problems) checkWindow(startField, endField string, start, end time.Time) {
	p.checkTime(startField, start)
	p.checkTime(endField, end)
	if !start.IsZero() && !end.IsZero() && !end.After(start) {
		p.published(endField, "is %s, but must be after %s, %s", wire(end), startField, wire(start))
	}
}
