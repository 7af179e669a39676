package analytics

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/transport"
)

// lookTime bounds the look for something whose creation has not been confirmed. It
// takes place even if the context has ended, which may be why there was no answer.
const lookTime = 30 * time.Second

// storeQuery creates a query. When the answer is lost it looks whether the query is
// there, so that there is neither a second one nor one that nobody knows of. No
// other query of the name may be the one that mine describes.
func (c *Client) storeQuery(ctx context.Context, req QueryRequest, mine func(Query) bool, opts []partnercenter.CallOption) (Query, error) {
	q, err := c.CreateQuery(ctx, req, opts...)
	if !answerLost(err) {
		return q, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTime)
	defer cancel()
	list := c.Queries(ctx, QueriesRequest{Name: req.Name, Scope: OwnQueries}, opts...)
	return adopt(err, list, func(q Query) bool { return q.ID != "" && strings.EqualFold(q.Name, req.Name) && mine(q) })
}

// storeReport creates a report in the same way.
func (c *Client) storeReport(ctx context.Context, req ReportRequest, mine func(Report) bool, opts []partnercenter.CallOption) (Report, error) {
	r, err := c.CreateReport(ctx, req, opts...)
	if !answerLost(err) {
		return r, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTime)
	defer cancel()
	list := c.Reports(ctx, ReportsRequest{Name: req.Name}, opts...)
	return adopt(err, list, func(r Report) bool { return r.ID != "" && strings.EqualFold(r.Name, req.Name) && mine(r) })
}

// adopt returns the first of the list that was asked for, or the error with which
// asking for it has ended.
func adopt[T any](failed error, list iter.Seq2[T, error], mine func(T) bool) (T, error) {
	var zero T
	for found, err := range list {
		if err != nil {
			return zero, errors.Join(failed, err)
		}
		if mine(found) {
			return found, nil
		}
	}
	return zero, failed
}

// answerLost reports whether a request may have been carried out although no
// usable answer has come.
func answerLost(err error) bool {
	if e, ok := errors.AsType[*partnercenter.Error](err); ok {
		return e.Is(partnercenter.ErrNoResponse) || e.Is(partnercenter.ErrServer)
	}
	_, ok := errors.AsType[*transport.AnswerError](err)
	return ok
}
