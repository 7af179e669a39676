package ingestion

import (
	"errors"
	"net/http"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/transport"
)

// Where the API lives unless Options say otherwise.
const (
	// DefaultEndpoint is the host of the ingestion API.
	DefaultEndpoint = "https://api.partner.microsoft.com"
	// DefaultAPIVersion is the version segment of its paths.
	DefaultAPIVersion = "v1.0"
	// DefaultResource is the audience of its tokens.
	DefaultResource = "https://api.partner.microsoft.com"
)

// Client talks to the ingestion API of one account. It is safe for concurrent
// use; one client serves a program for its whole life. So are the handles that its
// methods return, which cost nothing to make: no request is sent until a verb is
// called.
type Client struct {
	api *transport.Client
	set settings
}

// New makes a client. The token stands for an application, or a user, that is
// known to Partner Center as a manager of the account. Nil options mean the
// defaults.
//
// New checks its arguments and does nothing else: no request is sent and no
// environment variable is read.
func New(source partnercenter.TokenSource, opts *partnercenter.Options, more ...Option) (*Client, error) {
	set := settings{header: make(http.Header)}
	for _, o := range more {
		if o == nil {
			return nil, errors.New("ingestion: an Option is nil")
		}
		if err := o.apply(&set); err != nil {
			return nil, err
		}
	}
	api, err := transport.New(source, opts, transport.Defaults{
		Endpoint:   DefaultEndpoint,
		APIVersion: DefaultAPIVersion,
		Resource:   DefaultResource,
	})
	if err != nil {
		return nil, err
	}
	return &Client{api: api, set: set}, nil
}
