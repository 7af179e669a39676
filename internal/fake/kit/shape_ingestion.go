package kit

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The ids in error bodies are the same in all of them: a test can look for them.
const (
	shapeCorrelationID = "00000000-0000-4000-8000-000000000002"
	shapeOperationID   = "00000000000040008000000000000001"
)

type ingestionError struct {
	Code    string   `json:"code"`
	Data    []any    `json:"data"`
	Details []detail `json:"details"`
	Message string   `json:"message"`
	Source  string   `json:"source"`
}

type detail struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Target  string `json:"target"`
}

func fieldDetails(fields map[string][]string) []detail {
	out := []detail{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		for _, m := range fields[name] {
			out = append(out, detail{Code: "InvalidParameterValue", Message: m, Target: name})
		}
	}
	return out
}

// ichText is the text of ShapeICH. Codes that are none of the backend's are
// replaced by the one that goes with the status.
func ichText(status int, code, message string, fields map[string][]string) string {
	number, err := strconv.Atoi(strings.TrimPrefix(code, "ICH"))
	if err != nil {
		number = 50000 + status
	}
	if fields == nil {
		fields = map[string][]string{}
	}
	inner := mustMarshal(struct {
		FaultCode     int                 `json:"faultCode"`
		ReasonPhrase  string              `json:"reasonPhrase"`
		CorrelationID string              `json:"correlationId"`
		OperationID   string              `json:"operationId"`
		Data          map[string][]string `json:"data"`
	}{number, message, shapeCorrelationID, shapeOperationID, fields})
	return fmt.Sprintf("ICH%d - Unable to complete request. %s", number, inner)
}

// exceptionText is the text of ShapeException.
func exceptionText(status int, message string, fields map[string][]string) string {
	problem := map[string]any{
		"type": "https://tools.ietf.org/html/rfc9110#section-15.5.1", "title": message, "status": status,
		"traceId": "00-" + shapeOperationID + "-0000000000000001-00",
	}
	if fields != nil {
		problem["errors"] = fields
	}
	name := strings.ReplaceAll(http.StatusText(status), " ", "")
	return "Microsoft.Ingestion.Common.ErrorHandler.RestClientException: Product request failed,\n" +
		"API=GetProduct, HttpStatusCode=" + name + ",\nResponseContent=" + string(mustMarshal(problem))
}

func mustMarshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain values only: cannot happen
	}
	return b
}
