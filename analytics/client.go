package analytics

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/transport"
)

// Where the API lives unless Options say otherwise.
const (
	// DefaultEndpoint is the host of the analytics API.
	DefaultEndpoint = "https://api.partnercenter.microsoft.com"
	// DefaultResource is the audience of its tokens.
	DefaultResource = "https://api.partnercenter.microsoft.com"
)

// root is the path under which the service serves the API of every program.
const root = "/insights"

// Client talks to the analytics API of one program. It is safe for concurrent
// use; one client serves a process for its whole life.
type Client struct {
	api     *transport.Client
	program Program
	set     settings
	log     *slog.Logger
	cache   datasetCache
}

// New makes a client for one program. Nil options mean the defaults: the public
// endpoint, and version v1.1 for [Marketplace] and v1 for [Partner]. An endpoint
// of one's own is given with or without the path /insights.
//
// New checks its arguments and does nothing else: no request is sent and no
// environment variable is read.
func New(source partnercenter.TokenSource, program Program, opts *partnercenter.Options, more ...Option) (*Client, error) {
	version, err := program.version()
	if err != nil {
		return nil, err
	}
	var set settings
	for _, o := range more {
		if o == nil {
			return nil, errors.New("analytics: an Option is nil")
		}
		o.apply(&set)
	}
	var o partnercenter.Options
	if opts != nil {
		o = *opts
	}
	if o.Endpoint == "" {
		o.Endpoint = DefaultEndpoint
	}
	o.Endpoint = strings.TrimRight(o.Endpoint, "/")
	if !strings.HasSuffix(o.Endpoint, root) {
		o.Endpoint += root
	}
	if set.ticket {
		o.Transport = ticketTransport(o.Transport)
	}
	api, err := transport.New(source, &o, transport.Defaults{APIVersion: version, Resource: DefaultResource})
	if err != nil {
		return nil, err
	}
	c := &Client{api: api, program: program, set: set, log: o.Logger}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// Program returns the program that the client was made for.
func (c *Client) Program() Program { return c.program }

// warn reports a problem that does not stop a request.
func (c *Client) warn(ctx context.Context, operation string, p Problem) {
	if c.set.warned != nil {
		c.set.warned(operation, p)
	}
	c.log.LogAttrs(ctx, slog.LevelWarn, "analytics: "+operation,
		slog.String("field", p.Field), slog.String("problem", p.Message))
}
