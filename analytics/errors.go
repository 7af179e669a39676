package analytics

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/partnercenter-go/partnercenter"
)

// Kinds of refusals, for [errors.Is]. The service answers all of them with 400 and
// tells them apart by its text alone; what is compared here are the published
// texts. The [*partnercenter.Error] is in the same chain.
//
// https://learn.microsoft.com/partner-center/insights/analytics-programmatic-faq
var (
	// ErrQuota: one of the quotas is used up. It is matched by the three kinds
	// that follow. Trying again soon does not help.
	ErrQuota = errors.New("quota used up")
	// ErrReportQuota: the user has 50 active reports. Delete or pause some.
	ErrReportQuota = fmt.Errorf("active reports: %w", ErrQuota)
	// ErrExecuteNowQuota: five reports have been run at once within the last
	// 60 minutes. Wait until the first of them is an hour old.
	ErrExecuteNowQuota = fmt.Errorf("immediate reports: %w", ErrQuota)
	// ErrQueryQuota: there are 100 queries of one's own. Delete some.
	ErrQueryQuota = fmt.Errorf("queries: %w", ErrQuota)
	// ErrUnknownQuery: there is no query with the id that was given. The ids of
	// system queries in the documentation are not all valid; list them.
	ErrUnknownQuery = errors.New("unknown query")
	// ErrUnknownDataset: the query names a dataset that the program does not have.
	ErrUnknownDataset = errors.New("unknown dataset")
	// ErrUnknownColumn: the query names a column or metric that the dataset does
	// not have.
	ErrUnknownColumn = errors.New("unknown column")
)

// The published quotas.
const (
	// MaxActiveReports is how many reports of a user may be active.
	MaxActiveReports = 50
	// MaxExecuteNow is how many reports a user may run at once within an hour.
	MaxExecuteNow = 5
	// MaxQueries is how many queries of their own a user may have.
	MaxQueries = 100
)

// refusals lists what is known about refusals: words that the service's text
// contains, all of them, in lower case.
var refusals = []struct {
	words  []string
	kind   error // nil: only the advice
	advice string
}{
	{[]string{"quota", "executenow"}, ErrExecuteNowQuota, "Five immediate reports an hour are allowed; wait until the first of them is an hour old, or schedule the report"},
	{[]string{"quota", "active reports"}, ErrReportQuota, "Delete or pause reports that are no longer needed; Orphans lists those that schedules have left behind"},
	{[]string{"number of queries exceeded"}, ErrQueryQuota, "Delete queries that are no longer needed; Orphans lists those that schedules have left behind"},
	{[]string{"invalid queryid"}, ErrUnknownQuery, "List the queries with Client.Queries; published ids of system queries are not all valid"},
	{[]string{"invalid table name"}, ErrUnknownDataset, "List the datasets with Client.Datasets"},
	{[]string{"incorrect column name"}, ErrUnknownColumn, "Look the columns up with Client.Dataset"},
	{[]string{"start time of report", "hours"}, nil, "Choose a later start, or correct this machine's clock"},
	{[]string{"requested value", "not found"}, nil, "Format and CallbackMethod know only the documented values"},
	{[]string{"internal error encountered while creating report"}, nil, "The service is known to answer so when a time in the request has an unexpected form"},
}

// kindError adds a kind to an error without changing its text.
type kindError struct{ err, kind error }

func (e *kindError) Error() string   { return e.err.Error() }
func (e *kindError) Unwrap() []error { return []error{e.err, e.kind} }

// classify marks an error with its kind, where the service's text tells.
func classify(err error) error {
	e, ok := errors.AsType[*partnercenter.Error](err)
	if !ok || e.StatusCode < http.StatusBadRequest {
		return err
	}
	text := strings.ToLower(e.Message)
	for _, r := range refusals {
		if !containsAll(text, r.words) {
			continue
		}
		if e.Advice == "" {
			e.Advice = r.advice
		}
		if r.kind == nil {
			return err
		}
		return &kindError{err, r.kind}
	}
	return err
}

func containsAll(text string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}
