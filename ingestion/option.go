package ingestion

import (
	"errors"
	"net/http"
	"strings"

	"github.com/partnercenter-go/partnercenter"
)

// Option adjusts a client beyond what [partnercenter.Options] can.
type Option interface{ apply(*settings) error }

type optionFunc func(*settings) error

func (f optionFunc) apply(s *settings) error { return f(s) }

type settings struct {
	header       http.Header
	strictPaging bool
}

// WithPublisherID sends the account's seller id as x-ms-publisherId with every
// request. The service takes the account from the token; for a time in 2026 it
// asked some callers for this header all the same.
func WithPublisherID(id string) Option {
	return optionFunc(func(s *settings) error {
		if strings.TrimSpace(id) == "" {
			return errors.New("ingestion: WithPublisherID: the id is empty; leave the option out to send none")
		}
		s.header.Set("x-ms-publisherId", id)
		return nil
	})
}

// WithHeader sends a header with every request. [partnercenter.WithHeader] on a
// call replaces it for that call.
func WithHeader(key, value string) Option {
	return optionFunc(func(s *settings) error {
		if key == "" {
			return errors.New("ingestion: WithHeader: the header's name is empty")
		}
		s.header.Set(key, value)
		return nil
	})
}

// WithStrictPaging makes a 404 in the middle of a listing an error. Without it the
// listing ends there, because the service has been seen to follow its last page
// with a link to nothing.
func WithStrictPaging() Option {
	return optionFunc(func(s *settings) error {
		s.strictPaging = true
		return nil
	})
}

// Overwrite makes an update replace the resource whatever its version, with
// If-Match: *. Changes that others have made in the meantime are lost.
func Overwrite() partnercenter.CallOption { return partnercenter.WithHeader("If-Match", "*") }
