package ingestion

import (
	"net/http"

	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// failure is an error of the service before it has a form.
type failure struct {
	status        int
	shape         kit.Shape
	code, message string
	field         string // to which the message belongs
	faults        faults
}

// refuse answers with an error, in the form that the settings name or else in the
// failure's own.
func (x *exchange) refuse(f failure) reply {
	shape := f.shape
	if x.settings.ErrorShape != nil {
		shape = *x.settings.ErrorShape
	}
	contentType, body := shape.EncodeFields(f.status, f.code, f.message, f.fields())
	out := reply{status: f.status, body: body}
	if len(body) == 0 {
		out.body = nil
		return out
	}
	return out.with("Content-Type", contentType)
}

func (f failure) fields() map[string][]string {
	if f.faults != nil {
		return f.faults
	}
	if f.field != "" {
		return map[string][]string{f.field: {f.message}}
	}
	return nil
}

// invalid is the recorded answer to a request that cannot be: a JSON string with a
// code, a sentence, and an object that says what is wrong with which field.
func (x *exchange) invalid(bad faults) reply {
	return x.refuse(failure{
		status: http.StatusBadRequest, shape: kit.ShapeICH, code: "ICH50400",
		message: "Request validation failed.", faults: bad,
	})
}

// missing is the answer for what is not there. Its text is the fake's choice: the
// OpenAPI document says no more than that it is a string.
func (x *exchange) missing() reply {
	return x.refuse(failure{status: http.StatusNotFound, shape: kit.ShapeICH, code: "ICH50404", message: "Resource not available."})
}

// conflict is the answer to what the state of a resource does not allow.
func (x *exchange) conflict(message string) reply {
	return x.refuse(failure{status: http.StatusConflict, shape: kit.ShapeIngestion, code: "InvalidState", message: message})
}

// outdated is the answer to an If-Match that is not the current etag. No source
// shows it; clients must be ready for 409 and 412.
func (x *exchange) outdated() reply {
	return x.refuse(failure{
		status: x.settings.ConflictStatus, shape: kit.ShapeICH, code: "ICH50412",
		message: "The resource has been modified since it was read.",
	})
}

// unmatched reports whether the request names an etag other than the current one.
func (x *exchange) unmatched(etag string) bool {
	match := x.r.Header.Get("If-Match")
	return match != "" && match != "*" && match != etag
}
