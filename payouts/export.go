package payouts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/transport"
)

// Kind selects one of the two exports.
type Kind string

// The two exports.
const (
	// Earnings lists what was earned, transaction by transaction. The service
	// calls it "transactionhistory".
	Earnings Kind = "earnings"
	// Payments lists what was paid out.
	Payments Kind = "payments"
)

// resource is the kind's name in request paths.
func (k Kind) resource() (string, error) {
	switch k {
	case Earnings:
		return "transactionhistory", nil
	case Payments:
		return "payments", nil
	}
	return "", fmt.Errorf("payouts: unknown kind %q: use payouts.Earnings or payouts.Payments", string(k))
}

// Format is the text format of an export.
type Format string

// The formats that the service writes.
const (
	// CSV separates cells by commas. It is the default.
	CSV Format = "csv"
	// TSV separates cells by tabs.
	TSV Format = "tsv"
)

// Status is the service's word for where an export stands. Other values than the
// constants may appear and count as unfinished; compare with [Status.Is].
type Status string

// The documented statuses.
const (
	// Queued: not begun.
	Queued Status = "Queued"
	// Processing: being written. It cannot be deleted now.
	Processing Status = "Processing"
	// Completed: the file is there.
	Completed Status = "Completed"
	// Failed: the service has given up. Start a new export.
	Failed Status = "Failed"
)

// Is compares two statuses without regard to case.
func (s Status) Is(other Status) bool { return strings.EqualFold(string(s), string(other)) }

// ExportRequest says what to export.
type ExportRequest struct {
	// Kind is what to export. Required.
	Kind Kind
	// Filter narrows the export. Without one the service exports the last three
	// years.
	Filter Filter
	// Format of the file. Default [CSV].
	Format Format
	// IdempotencyKey is sent as ms-requestid, which the documentation describes as
	// the idempotency id of a request: use a new GUID for a new export and the
	// same one to repeat a request whose answer was lost. Whether the service
	// really recognises repetitions is not documented. Default: that header of the
	// call's options, else a fresh GUID, which all attempts of the call share.
	IdempotencyKey string
}

// Export is one export as the service describes it.
type Export struct {
	// ID is the service's id of the export, a GUID.
	ID string
	// Kind is what is exported.
	Kind Kind
	// Status is where it stands.
	Status Status
	// RequestedAt is when it was asked for, in UTC; zero if the service did not say.
	RequestedAt time.Time
	// StartedAt is when processing began, in UTC; zero if the service did not say.
	StartedAt time.Time
	// Filter is the filter as the service understood it.
	Filter string
	// Path is the path of the request that created the export.
	Path string
	// Location is the pre-signed link to the file, empty until there is one.
	// Whoever holds it can read the file until it expires, so it does not print.
	Location partnercenter.Secret
	// Extra holds the members that this SDK does not know, with whatever looks
	// like a signature taken out; nil if there are none.
	Extra map[string]json.RawMessage
}

// ExportError is an export that failed at the service. [Client.StartExport]'s
// poller returns it inside a [partnercenter.OperationError].
type ExportError struct {
	// Export is the export as it was last seen.
	Export Export
	// Reason says what is wrong with it.
	Reason string
}

// Error returns one line.
func (e *ExportError) Error() string { return e.Reason }

const operationKind = "payouts.export"

// How often, and how fast, a completed export without a link is looked at again.
const (
	emptyLinkPolls = 6
	emptyLinkDelay = 5 * time.Second
)

// processingTarget is the time in which the service means to finish an export.
const processingTarget = 24 * time.Hour

// StartExport asks the service for an export and returns a poller to wait for it:
//
//	poller, err := client.StartExport(ctx, payouts.ExportRequest{Kind: payouts.Earnings, Filter: filter})
//	export, err := poller.Wait(ctx, nil)
//
// A wait ends with the export when the service calls it completed and offers a
// file, with a [partnercenter.OperationError] around an [ExportError] when it has
// failed, and after 24 hours, the service's own processing target, unless
// [partnercenter.WaitOptions] say otherwise.
//
// The request is repeated under the same ms-requestid when it is not clear
// whether it arrived.
//
// https://learn.microsoft.com/partner-center/developer/create-earnings-export-request
// https://learn.microsoft.com/partner-center/developer/create-payments-export-request
//
//pc:operation POST /payouts/transactionhistory
//pc:operation POST /payouts/payments
func (c *Client) StartExport(ctx context.Context, req ExportRequest, opts ...partnercenter.CallOption) (*partnercenter.Poller[Export], error) {
	resource, err := req.Kind.resource()
	if err != nil {
		return nil, err
	}
	if err := req.Filter.check(req.Kind); err != nil {
		return nil, err
	}
	format, err := req.Format.wire()
	if err != nil {
		return nil, err
	}
	query := []string{"fileformat", format}
	if text := req.Filter.String(); text != "" {
		query = append([]string{"$filter", text}, query...)
	}
	key := req.IdempotencyKey
	if key == "" { // whoever knows the header's name may have set it
		key = partnercenter.ResolveCallOptions(opts...).Header.Get("ms-requestid")
	}
	if key == "" {
		key = uuid.NewString()
	}
	resp, err := c.api.Do(ctx, transport.Request{
		Method:         http.MethodPost,
		Path:           "/payouts/" + resource,
		Query:          transport.Query(query...),
		IdempotencyKey: key,
	}, opts...)
	if err != nil {
		return nil, err
	}
	export, err := parseExport(resp.Body, req.Kind)
	if export.ID == "" {
		export.ID = lastGUID(resp.Header.Get("Location"))
	}
	switch {
	case export.ID != "": // all that is needed, whatever else is wrong with the answer
		return c.poller(req.Kind, export.ID), nil
	case err != nil:
		return nil, fmt.Errorf("payouts: the export was accepted, but the answer cannot be read: %w", err)
	}
	return nil, errors.New("payouts: the export was accepted, but the answer names no id")
}

// ResumeExport goes on waiting for an export with the text that
// [partnercenter.Poller.ResumeToken] has returned, here or in another process. It
// sends no request.
func (c *Client) ResumeExport(token string) (*partnercenter.Poller[Export], error) {
	op, err := partnercenter.ParseResumeToken(operationKind, token)
	if err != nil {
		return nil, fmt.Errorf("payouts: %w", err)
	}
	kind := Kind(op.Params["kind"])
	if _, err := exportPath(kind, op.ID); err != nil {
		return nil, err
	}
	return c.poller(kind, op.ID), nil
}

// poller waits by the rules of the service's status: anything unknown is
// unfinished, and "Completed" counts once there is a link.
func (c *Client) poller(kind Kind, id string) *partnercenter.Poller[Export] {
	emptyLinks := 0
	fetch := func(ctx context.Context) (partnercenter.Observation[Export], error) {
		export, pause, err := c.get(ctx, kind, id)
		if err != nil {
			return partnercenter.Observation[Export]{}, err
		}
		obs := partnercenter.Observation[Export]{Value: export, Status: string(export.Status), RetryAfter: pause}
		switch {
		case export.Status.Is(Failed):
			obs.State = partnercenter.Failed
			obs.Err = &ExportError{Export: export, Reason: "the service could not write the export; start a new one"}
		case export.Status.Is(Completed) && !export.Location.IsZero():
			obs.State = partnercenter.Succeeded
		case export.Status.Is(Completed):
			if emptyLinks++; emptyLinks > emptyLinkPolls {
				obs.State = partnercenter.Failed
				obs.Err = &ExportError{Export: export, Reason: "the service calls the export completed but offers no file; start a new one"}
			} else if obs.RetryAfter == 0 {
				obs.RetryAfter = emptyLinkDelay
			}
		}
		return obs, nil
	}
	op := partnercenter.Operation{Kind: operationKind, ID: id, Params: map[string]string{"kind": string(kind)}}
	return partnercenter.NewPoller(op, fetch, partnercenter.WaitOptions{Timeout: processingTarget})
}

// Export looks at an export, made here or in the portal.
//
// https://learn.microsoft.com/partner-center/developer/get-earnings-export-request-by-id
// https://learn.microsoft.com/partner-center/developer/get-payment-export-request-by-id
//
//pc:operation GET /payouts/transactionhistory/{requestId}
//pc:operation GET /payouts/payments/{requestId}
func (c *Client) Export(ctx context.Context, kind Kind, id string, opts ...partnercenter.CallOption) (Export, error) {
	export, _, err := c.get(ctx, kind, id, opts...)
	return export, err
}

func (c *Client) get(ctx context.Context, kind Kind, id string, opts ...partnercenter.CallOption) (Export, time.Duration, error) {
	path, err := exportPath(kind, id)
	if err != nil {
		return Export{}, 0, err
	}
	resp, err := c.api.Do(ctx, transport.Request{Method: http.MethodGet, Path: path}, opts...)
	if err != nil {
		return Export{}, 0, err
	}
	export, err := parseExport(resp.Body, kind)
	if err != nil {
		return Export{}, 0, &transport.AnswerError{Err: fmt.Errorf("payouts: export %s: %w", id, err)}
	}
	if export.ID == "" {
		export.ID = id
	}
	return export, resp.RetryAfter(), nil
}

// DeleteExport removes an export. The service refuses it while the export is
// being processed. Exports made in the portal can be deleted too: both share one
// list.
//
// https://learn.microsoft.com/partner-center/developer/delete-earnings-export-request-by-id
// https://learn.microsoft.com/partner-center/developer/delete-payment-export-request-by-id
//
//pc:operation DELETE /payouts/transactionhistory/{requestId}
//pc:operation DELETE /payouts/payments/{requestId}
func (c *Client) DeleteExport(ctx context.Context, kind Kind, id string, opts ...partnercenter.CallOption) error {
	path, err := exportPath(kind, id)
	if err != nil {
		return err
	}
	_, err = c.api.Do(ctx, transport.Request{Method: http.MethodDelete, Path: path}, opts...)
	if transport.DeletedEarlier(err) {
		return nil
	}
	return err
}

func exportPath(kind Kind, id string) (string, error) {
	resource, err := kind.resource()
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(id) == "" {
		return "", errors.New("payouts: the export's id is empty")
	}
	path, err := transport.Path("payouts", resource, id)
	if err != nil {
		return "", fmt.Errorf("payouts: export id: %w", err)
	}
	return path, nil
}

func (f Format) wire() (string, error) {
	switch f {
	case "", CSV:
		return "csv", nil
	case TSV:
		return "tsv", nil
	}
	return "", fmt.Errorf("payouts: unknown format %q: use payouts.CSV or payouts.TSV", string(f))
}

var guid = regexp.MustCompile(`[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`)

// lastGUID finds the export's id in a Location header.
func lastGUID(location string) string {
	location, _, _ = strings.Cut(location, "?")
	all := guid.FindAllString(location, -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}
