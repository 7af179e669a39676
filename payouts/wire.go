package payouts

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/redact"
)

// parseExport reads an answer: the documented envelope {"value":[...]}, or, since
// clients in the wild have met them, a bare array or object. Member names match
// in any case, because the documentation itself writes them both ways.
func parseExport(body []byte, kind Kind) (Export, error) {
	item, err := firstItem(body)
	if err != nil {
		return Export{}, err
	}
	e := Export{Kind: kind}
	for name, raw := range item {
		switch strings.ToLower(name) {
		case "requestid":
			e.ID = strings.TrimSpace(text(raw))
		case "status":
			e.Status = Status(strings.TrimSpace(text(raw)))
		case "requestdatetime":
			e.RequestedAt = instant(text(raw))
		case "processingstartdatetime":
			e.StartedAt = instant(text(raw))
		case "requestquerystring":
			e.Filter = text(raw)
		case "requestpath":
			e.Path = text(raw)
		case "bloblocation":
			e.Location = partnercenter.NewSecret(strings.TrimSpace(text(raw)))
		default:
			if e.Extra == nil {
				e.Extra = make(map[string]json.RawMessage)
			}
			e.Extra[name] = redact.Bytes(raw)
		}
	}
	return e, nil
}

type members map[string]json.RawMessage

func firstItem(body []byte) (members, error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	var list []members
	if json.Unmarshal(body, &list) == nil {
		return firstOf(list)
	}
	var object members
	if err := json.Unmarshal(body, &object); err != nil {
		return nil, errors.New("the answer is not JSON")
	}
	if object == nil {
		return nil, errors.New("the answer is empty")
	}
	for name, raw := range object {
		if !strings.EqualFold(name, "value") {
			continue
		}
		if json.Unmarshal(raw, &list) == nil {
			return firstOf(list)
		}
		var one members
		if json.Unmarshal(raw, &one) == nil {
			return firstOf([]members{one})
		}
		return nil, errors.New("the answer's value is not a list of exports")
	}
	return firstOf([]members{object})
}

func firstOf(list []members) (members, error) {
	if len(list) == 0 || len(list[0]) == 0 {
		return nil, errors.New("the answer holds no export")
	}
	return list[0], nil
}

// text reads a JSON string or number; null and other kinds are empty.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

// instant reads the service's times: UTC with up to seven fraction digits, with
// and without a zone.
func instant(s string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, strings.TrimSpace(s)); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
