package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/header"
)

// Defaults are what an API package fills in where the caller's Options are empty.
type Defaults struct {
	Endpoint   string
	APIVersion string
	Resource   string
}

// Client sends requests to one API. It is safe for concurrent use.
type Client struct {
	base      *url.URL // endpoint with its path, without trailing slash
	prefix    string   // escaped path in front of every request path, version included
	host      string   // of base, as token sources are told
	resource  string
	tenant    string
	userAgent string
	source    partnercenter.TokenSource
	policy    policy
	log       *slog.Logger
	http      *http.Client
	headers   headerCache
	blob      *Blob
}

// New checks and copies the options. It does no I/O.
func New(source partnercenter.TokenSource, opts *partnercenter.Options, d Defaults) (*Client, error) {
	if source == nil {
		return nil, errors.New("token source is nil: make one with package auth, for example auth.NewClientCredentials")
	}
	var o partnercenter.Options
	if opts != nil {
		o = *opts
	}
	base, err := parseEndpoint(first(o.Endpoint, d.Endpoint))
	if err != nil {
		return nil, err
	}
	version := strings.Trim(first(o.APIVersion, d.APIVersion), "/")
	prefix, err := Path(version)
	if err != nil {
		return nil, fmt.Errorf("options: APIVersion: %w", err)
	}
	resource := first(o.Resource, d.Resource)
	if strings.TrimSpace(resource) != resource || resource == "" {
		return nil, fmt.Errorf("options: Resource %q is not an audience; write it like https://api.partner.microsoft.com", resource)
	}
	if strings.HasSuffix(resource, "/.default") {
		return nil, fmt.Errorf("options: Resource %q is a scope; leave out /.default, it is added", resource)
	}
	if err := checkHeaderValue(o.UserAgent); err != nil {
		return nil, fmt.Errorf("options: UserAgent: %w", err)
	}
	c := &Client{
		base:      base,
		prefix:    base.EscapedPath() + prefix,
		host:      HostOf(base),
		resource:  resource,
		tenant:    o.TenantID,
		userAgent: header.UserAgent(o.UserAgent),
		source:    source,
		policy:    newPolicy(o.Retry),
		log:       o.Logger,
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	wire, blobWire := o.Transport, o.Transport
	if wire == nil {
		wire, blobWire = sharedTransport(), sharedBlobTransport()
	}
	c.http = &http.Client{
		Transport:     c.authenticate(c.guardOrigin(c.logAttempt(c.readAnswer(wire)))),
		CheckRedirect: c.checkRedirect,
	}
	c.blob = newBlob(blobWire, c.policy, c.log, c.userAgent)
	return c, nil
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// Blob returns the credential-free pipeline with the same policy and logger, and the
// same transport if the caller has brought one.
func (c *Client) Blob() *Blob { return c.blob }

// Request is one call of the API.
type Request struct {
	// Method is the HTTP method.
	Method string
	// Path follows the version segment and is already escaped; see [Path].
	Path string
	// Link is a link that the service has sent, used in place of Path and Query.
	// It is resolved against the root of the host and must stay on it.
	Link string
	// Query is already encoded; see [Query].
	Query string
	// Header holds further headers; the pipeline's own ones win.
	Header http.Header
	// Body is the request's body, nil for none.
	Body []byte
	// IdempotencyKey is sent as ms-requestid and makes a POST repeatable. Empty:
	// a fresh id, and a POST is repeated only when it surely was not processed.
	IdempotencyKey string
	// Doubt503 says that a 503 to this call may come after the work was done, so
	// that a POST is not repeated on one, not even if it names a time.
	Doubt503 bool
}

// Response is a 2xx answer, read to its end.
type Response struct {
	StatusCode int
	Header     http.Header
	Body       []byte

	path string // of the request, for errors
}

// Do sends a request, and sends it again as the policy says. Any answer other
// than 2xx is a [*partnercenter.Error].
func (c *Client) Do(ctx context.Context, r Request, opts ...partnercenter.CallOption) (*Response, error) {
	settings := partnercenter.ResolveCallOptions(opts...)
	u, err := c.target(r)
	if err != nil {
		return nil, err
	}
	st := &call{client: c, policy: c.policy, settings: settings, started: time.Now(), method: r.Method, path: u.EscapedPath()}
	ctx = context.WithValue(ctx, callKey{}, st)
	var body any
	if r.Body != nil {
		body = r.Body
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, r.Method, "", body)
	if err != nil {
		return nil, fmt.Errorf("building the request: %w", err)
	}
	req.URL, req.Host = u, u.Host
	if err := st.prepare(req.Request, r); err != nil {
		return nil, err
	}
	resp, err := st.run(req)
	return st.finish(ctx, resp, err)
}

// RetryAfter is the delay that a 2xx answer asks for, zero if it names none.
func (r *Response) RetryAfter() time.Duration {
	d, _ := header.RetryAfter(r.Header, time.Now())
	return d
}

// JSON is [Client.Do] with an answer that is decoded into out; a nil out ignores
// the answer's body.
func (c *Client) JSON(ctx context.Context, r Request, out any, opts ...partnercenter.CallOption) error {
	resp, err := c.Do(ctx, r, opts...)
	if err != nil {
		return err
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(bytes.TrimPrefix(resp.Body, byteOrderMark), out); err != nil {
		return fmt.Errorf("%s %s: the answer (%d, %d bytes) is not the JSON that was expected: %w",
			r.Method, resp.path, resp.StatusCode, len(resp.Body), err)
	}
	return nil
}

// target builds the URL of a request.
func (c *Client) target(r Request) (*url.URL, error) {
	if r.Link != "" {
		return c.resolveLink(r.Link)
	}
	escaped := c.prefix + r.Path
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return nil, fmt.Errorf("request path: %w", err)
	}
	return &url.URL{Scheme: c.base.Scheme, Host: c.base.Host, Path: path, RawPath: escaped, RawQuery: r.Query}, nil
}
