package tinkstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/partnercenter-go/partnercenter/auth"
)

// Reseal encrypts every record anew with the primary key of the keyset, so that older
// keys can be retired, and with [Options.AcceptPlain] also those that are not encrypted yet.
// It returns how many it has done. Programs may use the store meanwhile: each record is
// changed under its lock, and one that somebody else changes at the same moment is
// encrypted with the primary key by that. Records that do not open are left as they are
// and reported together.
//
// The inner store must be able to lock and to list; the error matches
// [errors.ErrUnsupported] otherwise. Without a lock a record could change while its token is
// being redeemed, and the new token be lost.
func (s *Store) Reseal(ctx context.Context) (int, error) {
	var done int
	var problems []error
	for key, err := range s.Keys(ctx) {
		if err == nil {
			var changed bool
			if changed, err = s.resealOne(ctx, key); changed {
				done++
			}
		}
		if err != nil {
			problems = append(problems, err)
		}
		if ctx.Err() != nil || errors.Is(err, errors.ErrUnsupported) {
			break
		}
	}
	return done, errors.Join(problems...)
}

// resealOne does one record and reports whether it has.
func (s *Store) resealOne(ctx context.Context, key string) (changed bool, err error) {
	lease, err := s.Lock(ctx, key)
	if err != nil {
		return false, fmt.Errorf("tinkstore: sealing %q anew: %w", key, err)
	}
	defer func() {
		// Whoever ends this early must not leave the lock behind.
		err = errors.Join(err, lease.Release(context.WithoutCancel(ctx)))
	}()
	r, version, err := s.Load(ctx, key)
	if errors.Is(err, auth.ErrNoRecord) {
		return false, nil // deleted meanwhile
	}
	if err != nil {
		return false, err
	}
	_, err = s.Save(ctx, key, r, version)
	if errors.Is(err, auth.ErrConflict) {
		return false, nil
	}
	return err == nil, err
}
