package auth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// refusals remembers what was refused, so that the same is not asked again and again.
type refusals struct {
	token partnercenter.Secret // the one that they are about
	of    map[key]remembered
}

// remembered is one of them.
type remembered struct {
	err   *Error
	until time.Time
}

// maxRefusals bounds them: claims challenges have no limit.
const maxRefusals = 1000

// keyOf identifies what a request is for.
func keyOf(req TokenRequest) key {
	return key{tenant: req.TenantID, resource: req.Resource, claims: req.Claims}
}

// deadKey identifies what a dead token is dead for: every resource of a tenant.
func deadKey(req TokenRequest) key { return key{tenant: req.TenantID} }

// refused returns the error of an earlier redemption that must not be repeated yet. The
// store is asked first: a new sign-in ends the pause.
func (f *refresher) refused(ctx context.Context, req TokenRequest) error {
	var known *remembered
	for _, k := range []key{deadKey(req), keyOf(req)} {
		r, ok := f.refusals.of[k]
		if ok && time.Until(r.until) <= 0 {
			delete(f.refusals.of, k)
		} else if ok && known == nil {
			known = &r
		}
	}
	if known == nil {
		return nil
	}
	if r, _, err := f.store.Load(ctx, f.key); err == nil && !r.RefreshToken.Equal(f.refusals.token) {
		f.refusals = refusals{}
		return nil
	}
	return known.err
}

// refuse remembers a refusal and returns it, with what to do about it.
func (f *refresher) refuse(ctx context.Context, req TokenRequest, token partnercenter.Secret, e *Error) *Error {
	if !token.Equal(f.refusals.token) || len(f.refusals.of) >= maxRefusals {
		f.refusals = refusals{token: token, of: map[key]remembered{}}
	}
	told := *e
	told.Advice = strings.TrimSpace(e.Advice + fmt.Sprintf(" Save the refresh token of the new sign-in under key %q; running programs go on with it.", f.key))
	k, until := keyOf(req), interactionPause
	if e.Kind == KindRefreshTokenDead {
		k, until = deadKey(req), deadPause
	}
	f.refusals.of[k] = remembered{err: &told, until: time.Now().Add(until)}
	f.log(req).ErrorContext(ctx, "the refresh token was refused", "error", &told)
	return &told
}
