package tabular

import (
	"bytes"
	"io"
	"testing"

	"go.uber.org/goleak"

	"github.com/partnercenter-go/partnercenter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open makes content of bytes.
func open(t testing.TB, data []byte, opts ...Option) *partnercenter.Content {
	t.Helper()
	c, err := Open("export", bytes.NewReader(data), int64(len(data)), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// text makes content of a plain file.
func text(t testing.TB, s string) *partnercenter.Content {
	t.Helper()
	return open(t, []byte(s))
}

// collect reads all rows up to the end or the first error.
func collect[T any](c *partnercenter.Content, opts *partnercenter.RowOptions) ([]T, error) {
	var rows []T
	for row, err := range Rows[T](c, opts) {
		if err != nil {
			return rows, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// file is an entry that has been read whole.
type content struct {
	Name string
	Size int64
	Text string
}

func contents(c *partnercenter.Content) ([]content, error) {
	var all []content
	for e, err := range c.Entries() {
		if err != nil {
			return all, err
		}
		b, err := io.ReadAll(e)
		if err != nil {
			return all, err
		}
		all = append(all, content{e.Name, e.Size, string(b)})
	}
	return all, nil
}
