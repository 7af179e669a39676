package transfer

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"sync"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// links keeps the pre-signed link that is good now.
//
// A link carries its end in the query parameter "se" (Learn, "Create a service
// SAS"); one that ends early anyhow is answered with 403 (Learn, "Shared access
// signature error codes").
//
// All requests of a transfer share it; those whose link has been refused meanwhile
// wait for the fresh one and take that.
type links struct {
	ask func(ctx context.Context, stale partnercenter.Secret) (partnercenter.Secret, error)

	mu      sync.Mutex // held while asking, too
	secret  partnercenter.Secret
	url     *url.URL  // never changed, only replaced
	expires time.Time // zero: unknown, or not to be believed
	// renewed is set while a link that replaced a stale one has not been accepted:
	// if that one is refused too, fresh links do not help.
	renewed bool
}

// current returns the link, a fresh one when the time of the old one is over.
func (l *links) current(ctx context.Context) (*url.URL, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.url == nil {
		if err := l.fetch(ctx); err != nil {
			return nil, err
		}
	}
	if l.expired() {
		if err := l.fetch(ctx); err != nil {
			return nil, err
		}
		l.renewed = true
		if l.expired() {
			l.expires = time.Time{} // this machine's clock is wrong; the store's decides
		}
	}
	return l.url, nil
}

func (l *links) expired() bool { return !l.expires.IsZero() && !time.Now().Before(l.expires) }

// refused replaces the link after a 403, unless that has happened already. It
// reports false when that is pointless: the refused one was fresh, or there is no
// other.
func (l *links) refused(ctx context.Context, used *url.URL) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if used != l.url {
		return true, nil
	}
	if l.renewed {
		return false, nil
	}
	old := l.secret
	if err := l.fetch(ctx); err != nil {
		return false, err
	}
	l.renewed = true
	return !l.secret.Equal(old), nil
}

// accepted notes that the store has taken the link.
func (l *links) accepted(used *url.URL) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if used == l.url { // a late answer to an earlier link says nothing about this one
		l.renewed = false
	}
}

func (l *links) fetch(ctx context.Context) error {
	s, err := l.ask(ctx, l.secret)
	if err != nil {
		return fmt.Errorf("getting a link to the file: %w", err)
	}
	u, err := url.Parse(s.Reveal())
	if err != nil || u.Scheme == "" || u.Host == "" { // the parser's message would quote the link
		return errors.New("the link to the file is not an absolute URL")
	}
	l.secret, l.url, l.expires = s, u, expiry(u)
	return nil
}

// expiry reads the time at which a link ends; zero if it does not say.
func expiry(u *url.URL) time.Time {
	se := u.Query().Get("se")
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", time.DateOnly} {
		if t, err := time.Parse(layout, se); err == nil {
			return t
		}
	}
	return time.Time{}
}

// name is the last segment of the link's path.
func (l *links) name() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.url == nil {
		return ""
	}
	if base := path.Base(l.url.Path); base != "/" && base != "." {
		return base
	}
	return l.url.Hostname()
}
