package kit

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strconv"
)

// Shape is a form in which a service or a gateway writes an error. The forms are
// those documented for the hosts of Partner Center, Entra ID and Azure Storage,
// and those seen in users' reports.
type Shape int

// The shapes of error bodies.
const (
	// ShapeGateway: {"statusCode": 401, "message": "..."}.
	ShapeGateway Shape = iota
	// ShapeNested: {"error": {"code": "...", "message": "...", "innerError": {...}}}.
	ShapeNested
	// ShapePartner: {"code": "900421", "description": "...", "data": [], "source": "..."}.
	ShapePartner
	// ShapePartnerNumber is ShapePartner with the code as a JSON number where it
	// is one.
	ShapePartnerNumber
	// ShapeEmpty: no body and no content type.
	ShapeEmpty
	// ShapeHTML: a page, as proxies answer.
	ShapeHTML
	// ShapeEntra: {"error": "...", "error_description": "...", "error_codes": [...]}.
	ShapeEntra
	// ShapeXML: <Error><Code>...</Code><Message>...</Message></Error>.
	ShapeXML
	// ShapeICH: "ICH50400 - Unable to complete request. {...}", a JSON string with an
	// object in it, as recorded from the ingestion API.
	ShapeICH
	// ShapeIngestion: {"code": "...", "data": [], "details": [], "message": "...",
	// "source": "Ingestion Api"}.
	ShapeIngestion
	// ShapeException: a JSON string with the text of a .NET exception, which holds
	// problem JSON, as reported from the ingestion API in 2026.
	ShapeException
	// ShapeText: the message as plain text.
	ShapeText
)

// Encode returns the body and its content type; both are empty for ShapeEmpty.
func (s Shape) Encode(status int, code, message string) (contentType string, body []byte) {
	return s.EncodeFields(status, code, message, nil)
}

// EncodeFields is Encode with messages that belong to fields of the request, for
// the shapes that have a place for them.
func (s Shape) EncodeFields(status int, code, message string, fields map[string][]string) (contentType string, body []byte) {
	if code == "" {
		code = defaultCode(status)
	}
	if message == "" {
		message = http.StatusText(status)
	}
	var v any
	switch s {
	case ShapeEmpty:
		return "", nil
	case ShapeHTML:
		title := strconv.Itoa(status) + " " + http.StatusText(status)
		return "text/html", []byte("<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" +
			title + "</h1></center>\r\n</body>\r\n</html>\r\n")
	case ShapeXML:
		type xmlError struct {
			XMLName xml.Name `xml:"Error"`
			Code    string   `xml:"Code"`
			Message string   `xml:"Message"`
		}
		b, err := xml.Marshal(xmlError{Code: code, Message: message})
		if err != nil {
			panic(err) // strings only: cannot happen
		}
		return "application/xml", append([]byte("\ufeff"+`<?xml version="1.0" encoding="utf-8"?>`), b...)
	case ShapeNested:
		v = map[string]any{"error": map[string]any{
			"code": code, "message": message, "target": "payouts",
			"innerError": map[string]any{"code": code, "message": "inner: " + message},
		}}
	case ShapePartner:
		v = map[string]any{"code": code, "description": message, "data": []any{}, "source": "pctest"}
	case ShapePartnerNumber:
		var c any = code
		if n, err := strconv.Atoi(code); err == nil {
			c = n
		}
		v = map[string]any{"code": c, "description": message, "data": []any{}, "source": "pctest"}
	case ShapeText:
		return "text/plain; charset=utf-8", []byte(message)
	case ShapeICH:
		v = ichText(status, code, message, fields)
	case ShapeException:
		v = exceptionText(status, message, fields)
	case ShapeIngestion:
		v = ingestionError{Code: code, Data: []any{}, Details: fieldDetails(fields), Message: message, Source: "Ingestion Api"}
	case ShapeEntra:
		v = map[string]any{
			"error": code, "error_description": message, "error_codes": []int{},
			"trace_id": "00000000-0000-4000-8000-000000000001", "correlation_id": "00000000-0000-4000-8000-000000000002",
		}
	default:
		v = map[string]any{"statusCode": status, "message": message}
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain values only: cannot happen
	}
	return "application/json; charset=utf-8", b
}

// Write answers a request with the error.
func (s Shape) Write(w http.ResponseWriter, status int, code, message string) {
	contentType, body := s.Encode(status, code, message)
	if contentType != "" {
		w.Header().Set("Content-Type", contentType)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// defaultCode is the code that the general page on errors of the Partner API
// gives for a status.
func defaultCode(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "invalidRequest"
	case http.StatusUnauthorized:
		return "unauthenticated"
	case http.StatusForbidden:
		return "accessDenied"
	case http.StatusNotFound:
		return "itemNotFound"
	case http.StatusConflict:
		return "resourceModified"
	case http.StatusPreconditionFailed:
		return "preconditionFailed"
	case http.StatusServiceUnavailable:
		return "serviceNotAvailable"
	default:
		return "generalException"
	}
}
