package analytics

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// wireTime is the only form of a time that the service knows.
const wireTime = "2006-01-02T15:04:05Z"

// Published texts.
const (
	textNoItem = "No item found with given filters"
	textNoRuns = "There are no executions that have occurred for the given filter conditions. Please recheck the reportId or " +
		"executionId and retry the API after the report's scheduled execution time"
	textNoQuery = "Invalid QueryID"
	textPrefix  = "Invalid report parameters for creation - "
)

// item is an object of an answer.
type item map[string]any

// answer writes the envelope around items.
func (x *exchange) answer(items []item, message any) {
	value := make([]any, len(items))
	for i, it := range items {
		if x.settings.ExtraFields {
			it["isPublicInOrg"], it["tenantSettings"] = false, item{"region": "EU"}
		}
		value[i] = x.spelt(it)
	}
	x.write(http.StatusOK, value, message)
}

// list is answer for listings, which may have pages. The form of the link is the
// fake's choice.
func (x *exchange) list(items []item, message any) {
	const skip = "$skip"
	if size := x.settings.PageSize; size > 0 {
		from, err := strconv.Atoi(x.query(skip))
		if err != nil {
			from = 0
		}
		from = min(max(from, 0), len(items))
		if items = items[from:]; len(items) > size {
			items = items[:size]
			q := x.r.URL.Query()
			q.Set(skip, strconv.Itoa(from+size))
			next := url.URL{Scheme: "https", Host: x.r.Host, Path: x.r.URL.Path, RawQuery: q.Encode()}
			if x.r.TLS == nil {
				next.Scheme = "http"
			}
			x.next = next.String()
		}
	}
	x.answer(items, message)
}

// refuse answers with an error of the service.
func (x *exchange) refuse(status int, message string) { x.write(status, []any{}, message) }

func (x *exchange) write(status int, value []any, message any) {
	s := &x.settings
	out := item{"value": value, "totalCount": len(value), "message": message, "statusCode": status}
	if x.next != "" || s.FullEnvelope || s.Redacted || x.program == Partner && !s.BareEnvelope {
		out["nextLink"], out["dataRedacted"] = orNull(x.next), s.Redacted
	}
	body, err := json.Marshal(x.spelt(out))
	if err != nil {
		panic(err) // plain values only: cannot happen
	}
	x.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body)
}

// spelt writes the keys of an object as the settings say.
func (x *exchange) spelt(it item) item {
	if !x.settings.PascalCase && !x.settings.PaddedKeys {
		return it
	}
	out := make(item, len(it))
	for k, v := range it {
		if x.settings.PascalCase {
			k = strings.ToUpper(k[:1]) + k[1:]
		}
		if x.settings.PaddedKeys {
			k += " "
		}
		out[k] = v
	}
	return out
}

// query returns a parameter whose name is matched without regard to case. The
// service takes lists with bare semicolons, which package url would drop.
func (x *exchange) query(name string) string {
	all, err := url.ParseQuery(strings.ReplaceAll(x.r.URL.RawQuery, ";", "%3B"))
	if err != nil {
		return "" // what can be read of it is not worth guessing
	}
	for k, v := range all {
		if strings.EqualFold(k, name) && len(v) > 0 {
			return v[0]
		}
	}
	return ""
}

// flag returns a boolean parameter; what is no boolean counts as absent: the
// fake's choice.
func (x *exchange) flag(name string, absent bool) bool {
	b, err := strconv.ParseBool(strings.ToLower(x.query(name)))
	if err != nil {
		return absent
	}
	return b
}

// several returns the ids or words of a parameter that may hold a list.
func (x *exchange) several(text string) (list []string, ok bool) {
	for part := range strings.SplitSeq(text, ";") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list, len(list) < 2 || !x.settings.RefuseLists
}

// orNull writes an empty text as null.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// stamp writes a time, the zero one as null.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(wireTime)
}

// previewRow is a row of a tried query, whose members keep their order.
type previewRow struct {
	columns []field
	cells   []string
	typed   bool
}

// MarshalJSON implements [json.Marshaler].
func (p previewRow) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, c := range p.columns {
		if i > 0 {
			b.WriteByte(',')
		}
		var value any = p.cells[i]
		if p.typed && c.kind.number() && p.cells[i] != "" {
			value = json.Number(p.cells[i])
		}
		name, err := json.Marshal(c.name)
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(text)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
