package payouts

import (
	"encoding/json"
	"strings"
	"time"
)

// timeLayout is ISO 8601 with seven digits of fraction, as the samples have it.
const timeLayout = "2006-01-02T15:04:05.0000000Z"

// member is a JSON member; objects keep their order, as the samples show it.
type member struct {
	name  string
	value any
}

type object []member

// MarshalJSON implements [json.Marshaler].
func (o object) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return []byte(b.String()), nil
}

// body writes an export as the settings say.
func (s *Settings) body(e *export, step Step, link string) any {
	status := step.Status
	var location any = link
	if link == "" && (s.NullLink || step.Link == LinkNull) {
		location = nil
	}
	if s.UpperStatus {
		status = strings.ToUpper(status)
	}
	key := func(name string) string {
		if s.CapitalKeys {
			return strings.ToUpper(name[:1]) + name[1:]
		}
		return name
	}
	item := object{
		{"requestId", e.ID},
		{"requestDateTime", e.Requested.UTC().Format(timeLayout)},
	}
	if !e.Started.IsZero() {
		item = append(item, member{"processingStartDateTime", e.Started.UTC().Format(timeLayout)})
	}
	item = append(item, object{
		{"requestPath", "/v1.0/payouts/" + string(e.Kind)},
		{"requestQueryString", e.Filter},
		{"blobLocation", location},
		{key("status"), status},
	}...)
	if s.ExtraFields {
		item = append(item, object{
			{"fileFormat", e.Format},
			{"retentionInDays", 30},
			{"requestedBy", object{{"displayName", "pctest"}, {"roles", []string{"Incentives admin"}}}},
			{"completedDateTime", time.Time{}.Format(timeLayout)},
		}...)
	}
	items := []object{item}
	switch s.Envelope {
	case EnvelopeObject:
		return item
	case EnvelopeArray:
		return items
	case EnvelopeEmpty:
		items = []object{}
	default:
	}
	list := object{{key("value"), items}}
	if !s.NoNextLink {
		list = append(list, object{{"nextLink", nil}, {"totalCount", len(items)}}...)
	}
	return list
}
