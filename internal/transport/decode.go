package transport

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"html"
	"regexp"
	"strings"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/redact"
)

// keepBody is how much of an error's body is kept.
const keepBody = 8 << 10

// readBody is how much of an error's body is looked at.
const readBody = 64 << 10

// maxNesting bounds how deep inner errors are followed, maxText how long each of
// an error's texts can become.
const (
	maxNesting = 8
	maxText    = 4 << 10
)

var byteOrderMark = []byte("\xef\xbb\xbf")

// decodeError fills in what the answer's headers and body say. Bodies of every
// known shape are understood; from others status and text remain. The known
// secrets, and whatever looks like one, are taken out.
func decodeError(e *partnercenter.Error, body []byte, known []string) {
	e.RequestID = first(e.Header.Get("Request-ID"), e.Header.Get("x-ms-request-id"))
	if id := first(e.Header.Get("ms-correlationid"), e.Header.Get("ms-correlation-x")); id != "" {
		e.CorrelationID = id
	}
	if claims := challengeClaims(e.Header); claims != "" {
		e.Claims = claims
	}
	e.Header = redact.Header(e.Header, known...)
	body = bytes.TrimPrefix(body[:min(len(body), readBody)], byteOrderMark)
	plain := redact.Bytes(body, known...)
	e.Body = bytes.Clone(plain[:min(len(plain), keepBody)])
	decodeBody(e, bytes.TrimSpace(plain))
	redactTexts(e, known)
}

func decodeBody(e *partnercenter.Error, body []byte) {
	if len(body) == 0 {
		return
	}
	switch body[0] {
	case '{':
		decodeJSON(e, body)
	case '[':
		var list []json.RawMessage
		if json.Unmarshal(body, &list) == nil && len(list) > 0 {
			decodeBody(e, list[0])
		}
	case '"':
		var text string
		if json.Unmarshal(body, &text) == nil {
			decodeText(e, text)
		} else {
			decodeText(e, string(body))
		}
	case '<':
		decodeMarkup(e, body)
	default:
		decodeText(e, string(body))
	}
}

// redactTexts goes over what was decoded: secrets that JSON or HTML escapes hid
// from the first look are plain by now.
func redactTexts(e *partnercenter.Error, known []string) {
	tidy := func(s *string) { *s = cut(redact.Text(*s, known...), maxText) }
	for _, s := range []*string{&e.Code, &e.Message, &e.Target, &e.RequestID, &e.CorrelationID} {
		tidy(s)
	}
	for i := range e.Details {
		d := &e.Details[i]
		tidy(&d.Code)
		tidy(&d.Message)
		tidy(&d.Target)
	}
	fields := e.Fields
	e.Fields = nil
	for name, texts := range fields {
		for i := range texts {
			tidy(&texts[i])
		}
		tidy(&name)
		if e.Fields == nil {
			e.Fields = make(map[string][]string, len(fields))
		}
		e.Fields[name] = append(e.Fields[name], texts...)
	}
}

// decodeJSON understands the gateway's {"statusCode","message"}, the error object
// {"error":{...}} with nested inner errors, {"code","description"}, the object
// with details and innererror of the submission API, the analytics envelope,
// Entra ID's {"error","error_description"} and problem details (RFC 9457).
func decodeJSON(e *partnercenter.Error, raw []byte) {
	var o jsonObject
	if json.Unmarshal(raw, &o) != nil {
		decodeText(e, string(raw))
		return
	}
	decodeEnvelope(e, o)
}

func decodeEnvelope(e *partnercenter.Error, o jsonObject) {
	if inner, ok := o.object("error"); ok {
		decodeObject(e, inner)
	}
	decodeObject(e, o)
	e.Code = first(e.Code, o.text("error"))
}

func decodeObject(e *partnercenter.Error, o jsonObject) {
	e.Code = first(e.Code, o.text("code"), o.text("errorCode"), o.text("faultCode"))
	e.Message = first(e.Message, o.text("message"), o.text("description"), o.text("error_description"),
		joinTitle(o.text("title"), o.text("detail")), o.text("reasonPhrase"))
	e.Target = first(e.Target, o.text("target"))
	e.RequestID = first(e.RequestID, o.text("requestId"), o.text("activityId"), o.text("operationId"), o.text("traceId"), o.text("trace_id"))
	if id := first(o.text("correlationId"), o.text("correlation_id")); id != "" {
		e.CorrelationID = id
	}
	e.Fields = mergeFields(e.Fields, o, "errors")
	e.Fields = mergeFields(e.Fields, o, "data")
	for _, d := range o.list("details") {
		appendDetail(e, d)
	}
	inner, depth := o, 0
	for depth < maxNesting {
		next, ok := inner.object("innererror")
		if !ok {
			return
		}
		appendDetail(e, next)
		for _, d := range next.list("details") {
			appendDetail(e, d)
		}
		inner, depth = next, depth+1
	}
}

func appendDetail(e *partnercenter.Error, o jsonObject) {
	d := partnercenter.ErrorDetail{
		Code:    first(o.text("code"), o.text("errorCode")),
		Message: first(o.text("message"), o.text("description")),
		Target:  first(o.text("target"), o.text("field"), o.text("resource")),
	}
	if d != (partnercenter.ErrorDetail{}) {
		e.Details = append(e.Details, d)
	}
}

func joinTitle(title, detail string) string {
	if title != "" && detail != "" {
		return title + ": " + detail
	}
	return title + detail
}

// faultCode is how the submission API's text answers begin, as in
// "ICH50400 - Unable to complete request. {...}".
var faultCode = regexp.MustCompile(`^([A-Za-z]{2,10}\d{3,}) - `)

// decodeText understands plain text, and text with a JSON object in it: the
// submission API's fault texts and its passed-through exceptions.
func decodeText(e *partnercenter.Error, text string) {
	text = strings.TrimSpace(text)
	prose := text
	if start, end := strings.IndexByte(text, '{'), strings.LastIndexByte(text, '}'); start >= 0 && end > start {
		var o jsonObject
		embedded := text[start : end+1]
		if json.Unmarshal([]byte(embedded), &o) == nil {
			prose = strings.TrimSpace(text[:start])
			if m := faultCode.FindStringSubmatch(prose); m != nil {
				e.Code, prose = m[1], prose[len(m[0]):]
			}
			decodeEnvelope(e, o)
			if e.Message != "" {
				prose = strings.TrimRight(prose, ".,:= ")
			}
			e.Message = joinTitle(prose, e.Message)
			return
		}
	}
	if m := faultCode.FindStringSubmatch(prose); m != nil {
		e.Code, prose = m[1], prose[len(m[0]):]
	}
	e.Message = cut(prose, 1024)
}

var (
	pageTitle = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
	anyTag    = regexp.MustCompile(`<[^>]*>`)
)

// decodeMarkup understands the blob store's XML and takes the title of HTML pages.
func decodeMarkup(e *partnercenter.Error, raw []byte) {
	var blob struct {
		XMLName xml.Name `xml:"Error"`
		Code    string   `xml:"Code"`
		Message string   `xml:"Message"`
		Detail  string   `xml:"AuthenticationErrorDetail"`
	}
	if xml.Unmarshal(raw, &blob) == nil { //nolint:gosec // three strings, of a bounded body
		e.Code = strings.TrimSpace(blob.Code)
		message, _, _ := strings.Cut(strings.TrimSpace(blob.Message), "\n") // ids and time follow, one a line
		e.Message = joinTitle(message, strings.TrimSpace(blob.Detail))
		return
	}
	if m := pageTitle.FindSubmatch(raw); m != nil {
		text := html.UnescapeString(anyTag.ReplaceAllString(string(m[1]), " "))
		e.Message = cut(strings.Join(strings.Fields(text), " "), 256)
	}
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "..."
}

// jsonObject is a JSON object whose members are found without regard to case.
type jsonObject map[string]json.RawMessage

func (o jsonObject) get(name string) json.RawMessage {
	if v, ok := o[name]; ok {
		return v
	}
	for k, v := range o {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return nil
}

// text returns a string or number member as text; other kinds give "".
func (o jsonObject) text(name string) string {
	raw := o.get(name)
	if len(raw) == 0 {
		return ""
	}
	switch c := raw[0]; {
	case c == '"':
		var s string
		if json.Unmarshal(raw, &s) == nil {
			return s
		}
	case c == '-' || c >= '0' && c <= '9':
		return string(raw)
	}
	return ""
}

func (o jsonObject) object(name string) (jsonObject, bool) {
	var inner jsonObject
	raw := o.get(name)
	if len(raw) == 0 || raw[0] != '{' || json.Unmarshal(raw, &inner) != nil {
		return nil, false
	}
	return inner, true
}

func (o jsonObject) list(name string) []jsonObject {
	var all []json.RawMessage
	if json.Unmarshal(o.get(name), &all) != nil {
		return nil
	}
	var out []jsonObject
	for _, raw := range all {
		var item jsonObject
		if json.Unmarshal(raw, &item) == nil && item != nil {
			out = append(out, item)
		}
	}
	return out
}

// mergeFields reads a member that maps fields to one or several messages.
func mergeFields(into map[string][]string, o jsonObject, name string) map[string][]string {
	fields, ok := o.object(name)
	if !ok {
		return into
	}
	for field, raw := range fields {
		var many []string
		var one string
		switch {
		case string(raw) == "null":
			continue
		case json.Unmarshal(raw, &many) == nil:
			if len(many) == 0 {
				continue
			}
		case json.Unmarshal(raw, &one) == nil:
			many = []string{one}
		default:
			many = []string{string(raw)}
		}
		if into == nil {
			into = make(map[string][]string)
		}
		into[field] = many
	}
	return into
}
