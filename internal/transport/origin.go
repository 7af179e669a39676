package transport

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

const maxRedirects = 5

// guardOrigin is the last gate before the wire: a request of this pipeline
// carries a bearer token, so it goes to the configured origin or nowhere.
func (c *Client) guardOrigin(next roundTrip) roundTrip {
	return func(req *http.Request) (*http.Response, error) {
		if err := c.checkOrigin(req.URL); err != nil {
			return nil, &localError{err}
		}
		return next(req)
	}
}

func (c *Client) checkOrigin(u *url.URL) error {
	if u.User != nil {
		return errors.New("refusing an address with a user name in it")
	}
	if sameOrigin(u, c.base) {
		return nil
	}
	return fmt.Errorf("refusing to send credentials to %s://%s: the endpoint is %s://%s", u.Scheme, u.Host, c.base.Scheme, c.base.Host)
}

// checkRedirect follows redirects within the origin, for methods without a body.
func (c *Client) checkRedirect(req *http.Request, via []*http.Request) error {
	original := via[0]
	switch {
	case len(via) > maxRedirects:
		return &localError{fmt.Errorf("stopped after %d redirects", maxRedirects)}
	case original.Method != http.MethodGet && original.Method != http.MethodHead:
		return &localError{fmt.Errorf("the service redirects a %s to another address; it is not followed", original.Method)}
	}
	if err := c.checkOrigin(req.URL); err != nil {
		return &localError{fmt.Errorf("redirect: %w", err)}
	}
	return nil
}

// resolveLink turns a link that the service has sent into a URL: relative links
// are relative to the root of the host. The query is used as it is, because the
// service leaves dollar signs unescaped; only blanks, which would break the
// request line, are escaped.
func (c *Client) resolveLink(link string) (*url.URL, error) {
	u, err := url.Parse(link)
	if err != nil {
		return nil, errors.New("the service's link is not a URL")
	}
	if u.Host == "" && u.Scheme == "" {
		if !strings.HasPrefix(u.Path, "/") {
			u.Path = "/" + u.Path
			if u.RawPath != "" {
				u.RawPath = "/" + u.RawPath
			}
		}
		u = c.base.ResolveReference(u)
	}
	u.Fragment, u.RawFragment = "", ""
	u.RawQuery = strings.ReplaceAll(u.RawQuery, " ", "%20")
	if err := c.checkOrigin(u); err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	return u, nil
}
