package ingestion

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// FileError is a file that the service does not accept.
type FileError struct {
	// FileName is the file's name.
	FileName string
	// State is where it stands: [FileProcessFailed].
	State FileState
	// Items is what the service found in it, often nothing.
	Items []ValidationItem
}

// Error returns one line with all that the service has found.
func (e *FileError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the service does not accept the file %q", e.FileName)
	for i, item := range e.Items {
		if i == 0 {
			b.WriteString(": ")
		} else {
			b.WriteString("; ")
		}
		b.WriteString(strings.Join(strings.Fields(item.ErrorCode+" "+item.Message), " "))
	}
	if len(e.Items) == 0 {
		b.WriteString(" and does not say why; Partner Center may (of a managed application it wants the customer usage id, pid-..., in mainTemplate.json)")
	}
	return b.String()
}

// Processing waits for the service to look at an uploaded file, by the rules of
// [Uploader.Upload], every 10 s for 10 min by default. The resource's id is all that
// another process needs to do the same.
func (u Uploader[T]) Processing(id string, calls ...partnercenter.CallOption) *partnercenter.Poller[*Resource[T]] {
	return u.with(calls).processing(id, nil)
}

// processing begins with what is known already, if anything is.
func (u Uploader[T]) processing(id string, known *Resource[T]) *partnercenter.Poller[*Resource[T]] {
	op := partnercenter.Operation{Kind: "ingestion.file", ID: id, Params: map[string]string{"collection": u.u.e.path}}
	return partnercenter.NewPoller(op, func(ctx context.Context) (partnercenter.Observation[*Resource[T]], error) {
		r := known
		if known = nil; r == nil {
			var err error
			if r, err = u.u.Get(ctx, id); err != nil {
				return partnercenter.Observation[*Resource[T]]{}, err
			}
		}
		s := slotOf(&r.Data)
		o := partnercenter.Observation[*Resource[T]]{Value: r, State: s.standing(), Status: string(*s.state)}
		if o.State == partnercenter.Failed {
			o.Err = &FileError{FileName: *s.name, State: *s.state, Items: s.items}
		}
		return o, nil
	}, partnercenter.WaitOptions{MinInterval: 10 * time.Second, MaxInterval: -1, Timeout: 10 * time.Minute})
}

// await waits for a file whose resource has just been written.
func (u Uploader[T]) await(ctx context.Context, stored *Resource[T], opts *partnercenter.WaitOptions) (*Resource[T], error) {
	r, err := u.processing(stored.ID, stored).Wait(ctx, opts)
	if err != nil {
		return nil, err
	}
	setPackageType(r, packageTypeOf(stored))
	return r, nil
}
