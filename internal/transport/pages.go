package transport

import (
	"fmt"
	"iter"

	"github.com/partnercenter-go/partnercenter"
)

// Pages turns the pages of a listing. An error is the last thing yielded; an empty
// page with a successor is not the end; a link that has been followed before is
// an error, since following it would never end. The api begins that error.
func Pages[T any](api string, fetch func(next string) (partnercenter.Page[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		followed := map[string]bool{}
		for next := ""; ; {
			p, err := fetch(next)
			if err != nil {
				yield(zero, err)
				return
			}
			for _, item := range p.Items {
				if !yield(item, nil) {
					return
				}
			}
			if p.Next == "" {
				return
			}
			if followed[p.Next] {
				yield(zero, fmt.Errorf("%s: the service's link behind page %d leads back to an earlier page", api, len(followed)+1))
				return
			}
			followed[p.Next] = true
			next = p.Next
		}
	}
}
