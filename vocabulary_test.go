package partnercenter_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
)

func TestCallOptionsAddUp(t *testing.T) {
	var meta partnercenter.ResponseMeta
	header := partnercenter.WithHeader("x-own", "a")
	got := partnercenter.ResolveCallOptions(
		header, nil, partnercenter.WithHeader("X-Own", "b"), partnercenter.WithRequestID("old"), partnercenter.WithRequestID("r"),
		partnercenter.WithCorrelationID("c"), partnercenter.WithResponse(&meta))
	want := partnercenter.CallSettings{Header: http.Header{"X-Own": {"a", "b"}}, RequestID: "r", CorrelationID: "c", Response: &meta}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got.Response != &meta {
		t.Error("the response goes elsewhere")
	}
	// An option may serve many calls.
	if again := partnercenter.ResolveCallOptions(header); len(again.Header["X-Own"]) != 1 {
		t.Errorf("the option remembers earlier calls: %v", again.Header)
	}
	if diff := cmp.Diff(partnercenter.CallSettings{}, partnercenter.ResolveCallOptions()); diff != "" {
		t.Error(diff)
	}
}

func TestTokenSourceFunc(t *testing.T) {
	src := partnercenter.TokenSourceFunc(func(_ context.Context, req partnercenter.TokenRequest) (partnercenter.Token, error) {
		return partnercenter.Token{Value: partnercenter.NewSecret(req.Resource)}, nil
	})
	got, err := src.Token(t.Context(), partnercenter.TokenRequest{Resource: "r"})
	if err != nil || got.Value.Reveal() != "r" {
		t.Errorf("%v %v", got, err)
	}
}

func TestContentIsClosedOnce(t *testing.T) {
	closed := 0
	failure := errors.New("file busy")
	c := partnercenter.NewContent(func(yield func(*partnercenter.Entry, error) bool) {
		yield(&partnercenter.Entry{Name: "a.csv", Size: 3, Reader: strings.NewReader("a,b")}, nil)
	}, func() error {
		closed++
		return failure
	})
	for e, err := range c.Entries() {
		text, readErr := io.ReadAll(e)
		if err != nil || readErr != nil || e.Name != "a.csv" || string(text) != "a,b" {
			t.Errorf("%v %v %q", err, readErr, text)
		}
	}
	if err := c.Close(); !errors.Is(err, failure) {
		t.Errorf("Close lost the error: %v", err)
	}
	if err := c.Close(); err != nil || closed != 1 {
		t.Errorf("closed %d times, %v", closed, err)
	}
	// A failed call returns nil, which a deferred Close must bear.
	for _, c := range []*partnercenter.Content{partnercenter.NewContent(nil, nil), {}, nil} {
		for e, err := range c.Entries() {
			t.Errorf("an empty content has %v, %v", e, err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestRowErrorsNameThePlace(t *testing.T) {
	_, cause := strconv.Atoi("x")
	cell := partnercenter.CellError{File: "a.csv", Line: 7, Column: "amount", Text: "1,00", Err: cause}
	row := &partnercenter.RowError{File: "a.csv", Line: 6, Cells: []partnercenter.CellError{cell}}
	const text = `a.csv:7: column amount: "1,00": strconv.Atoi: parsing "x": invalid syntax`
	if got := row.Error(); got != text {
		t.Errorf("got %s", got)
	}
	row.Cells = append(row.Cells, partnercenter.CellError{Column: "date", Err: io.ErrUnexpectedEOF}, cell)
	if got := row.Error(); got != text+" (and 2 more in this row)" {
		t.Errorf("got %s", got)
	}
	if got, ok := errors.AsType[*partnercenter.CellError](error(row)); !ok || got.Column != "amount" {
		t.Errorf("the first cell cannot be reached: %v", got)
	}
	if !errors.Is(row, strconv.ErrSyntax) || !errors.Is(row, io.ErrUnexpectedEOF) {
		t.Error("the causes cannot be reached")
	}
	if got := (&partnercenter.RowError{File: "a.csv", Line: 2}).Error(); got != "a.csv:2: bad row" {
		t.Errorf("got %s", got)
	}
	long := partnercenter.CellError{File: "a", Line: 1, Column: "c", Text: strings.Repeat("x", 1000), Err: cause}
	if got := long.Error(); len(got) > 200 || !strings.Contains(got, `xxx..."`) {
		t.Errorf("got %s", got)
	}
}

func TestColumnErrorNamesTheColumns(t *testing.T) {
	err := &partnercenter.ColumnError{Report: partnercenter.ColumnReport{
		File: "a.csv", Columns: []string{"x"}, Missing: []string{"a", "b"}, Unknown: []string{"x"}, Repeated: []string{"y"},
	}}
	if want := "a.csv: columns differ from the row type: missing a, b; unknown x; repeated y"; err.Error() != want {
		t.Errorf("got %s", err)
	}
	err.Report.Missing, err.Report.Repeated = nil, nil
	if want := "a.csv: columns differ from the row type: unknown x"; err.Error() != want {
		t.Errorf("got %s", err)
	}
}
