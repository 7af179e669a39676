package transport

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/partnercenter-go/partnercenter"
)

// authenticate asks the token source before every attempt, so that a wait longer
// than a token's life does no harm, and answers a 401 with one forced refresh and
// one repetition. It works inside the retry stage and on a copy of the request.
func (c *Client) authenticate(next roundTrip) roundTrip {
	return func(req *http.Request) (*http.Response, error) {
		st, ctx := callOf(req), req.Context()
		token, err := c.source.Token(ctx, partnercenter.TokenRequest{
			Resource: c.resource, TenantID: c.tenant, Claims: st.claims, Host: c.host,
		})
		if err != nil {
			return nil, &localError{st.tokenFailed("getting a token", err)}
		}
		attempt, err := c.withBearer(req, st, token.Value)
		if err != nil {
			return nil, &localError{st.tokenFailed("getting a token", err)}
		}
		resp, err := next(attempt)
		if err != nil || resp.StatusCode != http.StatusUnauthorized || st.refreshed || !st.refreshable() {
			return resp, err
		}
		st.refreshed = true
		st.claims = challengeClaims(resp.Header)
		again, err := c.source.Token(ctx, partnercenter.TokenRequest{
			Resource: c.resource, TenantID: c.tenant, Claims: st.claims, Rejected: token.Value, Host: c.host,
		})
		if err == nil && again.Value.Equal(token.Value) {
			return resp, nil // the source has nothing better, for example a static token
		}
		if err == nil {
			attempt, err = c.withBearer(req, st, again.Value)
		}
		if err != nil {
			st.tokenErr = st.tokenFailed("getting a new token", err)
			return resp, nil // the 401 is the outcome, finish adds the reason
		}
		if attempt, err = rewound(attempt); err != nil {
			return nil, &localError{err}
		}
		c.log.InfoContext(ctx, "token rejected, repeating with a new one", "method", st.method, "path", st.path)
		return next(attempt)
	}
}

// rewound copies a request with its body at the start again.
func rewound(req *http.Request) (*http.Request, error) {
	again := *req
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, fmt.Errorf("rewinding the request's body: %w", err)
		}
		again.Body = body
	}
	return &again, nil
}

// checkToken refuses tokens that cannot be sent, most often pasted ones.
func checkToken(token partnercenter.Secret) error {
	if token.IsZero() {
		return errors.New("the token source returned an empty token")
	}
	if strings.ContainsFunc(token.Reveal(), func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return errors.New("the token source returned a token with a blank, a line break or another character that no token has; pass the bare token, without \"Bearer\"")
	}
	return nil
}

// tokenFailed keeps the source's own error reachable unless its text holds a token.
func (c *call) tokenFailed(what string, err error) error {
	return fmt.Errorf("%s: %w", what, clean(err, err.Error(), c.bearers))
}

// withBearer returns a copy of req that carries the token.
func (c *Client) withBearer(req *http.Request, st *call, token partnercenter.Secret) (*http.Request, error) {
	header, err := c.headers.bearer(token)
	if err != nil {
		return nil, err
	}
	value := token.Reveal()
	if len(st.bearers) == 0 || st.bearers[len(st.bearers)-1] != value {
		st.bearers = append(st.bearers, value)
	}
	out := *req
	out.Header = maps.Clone(req.Header)
	out.Header["Authorization"] = header
	return &out, nil
}

// headerCache keeps the Authorization header of the token in use: it is the
// largest string of a request, and tokens change once an hour.
type headerCache struct {
	p atomic.Pointer[cachedHeader]
}

type cachedHeader struct {
	token string
	value []string
}

// bearer returns the header for a token, which it checks when it first sees it.
func (h *headerCache) bearer(token partnercenter.Secret) ([]string, error) {
	value := token.Reveal()
	if e := h.p.Load(); e != nil && e.token == value {
		return e.value, nil
	}
	if err := checkToken(token); err != nil {
		return nil, err
	}
	e := &cachedHeader{token: value, value: []string{"Bearer " + value}}
	h.p.Store(e)
	return e.value, nil
}

// refreshable reports whether a new token of the same kind could help with the
// 401 just received. Where it complains about audience, MFA or role it could not.
func (c *call) refreshable() bool {
	e := &partnercenter.Error{StatusCode: c.status, Header: c.header}
	decodeError(e, c.body, c.bearers)
	return complaintOf(e, c.text) == complaintNone
}

// challengeClaims reads the claims parameter of a WWW-Authenticate challenge, which
// Entra ID sends base64-encoded. It returns the JSON text, or "" if there is none.
// https://learn.microsoft.com/entra/identity-platform/claims-challenge
func challengeClaims(h http.Header) string {
	for _, challenge := range h.Values("WWW-Authenticate") {
		_, rest, ok := strings.Cut(challenge, `claims="`)
		if !ok {
			continue
		}
		value, _, ok := strings.Cut(rest, `"`)
		if !ok {
			continue
		}
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			if text, err := enc.DecodeString(strings.TrimRight(value, "=")); err == nil && strings.HasPrefix(string(text), "{") {
				return string(text)
			}
		}
	}
	return ""
}
