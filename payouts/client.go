package payouts

import (
	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/transport"
)

// Where the API lives unless Options say otherwise.
const (
	// DefaultEndpoint is the host of the payouts API.
	DefaultEndpoint = "https://api.partner.microsoft.com"
	// DefaultAPIVersion is the version segment of its paths.
	DefaultAPIVersion = "v1.0"
	// DefaultResource is the audience of its tokens.
	DefaultResource = "https://api.partner.microsoft.com"
)

// Client talks to the earnings and payments export API. It is safe for
// concurrent use; one client serves a program for its whole life.
type Client struct {
	api *transport.Client
}

// New makes a client. The token source must supply tokens that stand for a user
// with access to earnings in Partner Center; see the package documentation. Nil
// options mean the defaults.
//
// New checks its arguments and does nothing else: no request is sent and no
// environment variable is read.
func New(source partnercenter.TokenSource, opts *partnercenter.Options) (*Client, error) {
	api, err := transport.New(source, opts, transport.Defaults{
		Endpoint:   DefaultEndpoint,
		APIVersion: DefaultAPIVersion,
		Resource:   DefaultResource,
	})
	if err != nil {
		return nil, err
	}
	return &Client{api: api}, nil
}
