package auth

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// HealthStatus says how a stored refresh token is doing.
type HealthStatus int

// States of refresh tokens.
const (
	// HealthUndated means that the record does not say when its token was issued
	// or used, so that nobody knows when it lapses. Redeeming it once ends that.
	HealthUndated HealthStatus = iota
	// HealthGood means that there is nothing to do.
	HealthGood
	// HealthWarning means that the token has not been used for long, or that the
	// sign-in is older than wanted.
	HealthWarning
	// HealthCritical means that the token lapses soon, or that the user must do
	// something before it can be redeemed.
	HealthCritical
	// HealthLapsed means that the token has not been used for its whole lifetime. A
	// new sign-in is needed.
	HealthLapsed
	// HealthDead means that redeeming it was refused. A new sign-in is needed.
	HealthDead
	// HealthMissing means that nothing is stored under the key.
	HealthMissing
	// HealthUnreadable means that the record could not be read.
	HealthUnreadable
)

// String describes the state in a word or two, for example "good".
func (s HealthStatus) String() string {
	switch s {
	case HealthUndated:
		return "undated"
	case HealthGood:
		return "good"
	case HealthWarning:
		return "warning"
	case HealthCritical:
		return "critical"
	case HealthLapsed:
		return "lapsed"
	case HealthDead:
		return "dead"
	case HealthMissing:
		return "missing"
	case HealthUnreadable:
		return "unreadable"
	default:
		return fmt.Sprintf("HealthStatus(%d)", int(s))
	}
}

// MarshalText implements [encoding.TextMarshaler] with what String returns.
func (s HealthStatus) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// severity orders states by how much they need somebody.
func (s HealthStatus) severity() int {
	switch s {
	case HealthGood:
		return 0
	case HealthUndated:
		return 1
	default:
		return int(s)
	}
}

// level is the level at which a state is logged.
func (s HealthStatus) level() slog.Level {
	switch s {
	case HealthGood:
		return slog.LevelInfo
	case HealthUndated, HealthWarning:
		return slog.LevelWarn
	default:
		return slog.LevelError
	}
}

// Health is how the refresh token of one key is doing at one moment. It holds no secret.
type Health struct {
	// Key is the key of the store.
	Key string
	// Status sums it up.
	Status HealthStatus
	// ClientID, TenantID and AuthorityHost say what the token is for, see [Record].
	ClientID, TenantID, AuthorityHost string
	// CheckedAt is the moment.
	CheckedAt time.Time
	// ObtainedAt, LastUsedAt and SignedInAt are those of the [Record]; LastUsedAt is
	// the last successful rotation. Zero means unknown, or never.
	ObtainedAt, LastUsedAt, SignedInAt time.Time
	// LapsesAt is when the token stops working unless it is used before. Zero means
	// unknown.
	LapsesAt time.Time
	// Age is how long ago the token was issued.
	Age time.Duration
	// Idle is how long ago it was issued or one of its chain was used, whichever is
	// later.
	Idle time.Duration
	// Left is the time to LapsesAt; negative afterwards.
	Left time.Duration
	// SignInAge is how long ago the user signed in, with multifactor authentication.
	// Zero means unknown. Policies of the tenant can demand a new sign-in after some
	// time.
	SignInAge time.Duration
	// Err says why a record could not be read or a renewal failed.
	Err error `json:"-"`
}

// String describes it in one line.
func (h Health) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "refresh token %q is %s", h.Key, h.Status)
	if !h.LapsesAt.IsZero() {
		fmt.Fprintf(&b, ": unused for %s", days(h.Idle))
		if h.Left > 0 {
			fmt.Fprintf(&b, ", lapses in %s", days(h.Left))
		} else {
			fmt.Fprintf(&b, ", lapsed %s ago", days(-h.Left))
		}
	}
	if h.SignInAge > 0 {
		fmt.Fprintf(&b, "; the user signed in %s ago", days(h.SignInAge))
	}
	if h.Err != nil {
		fmt.Fprintf(&b, " (%v)", h.Err)
	}
	return b.String()
}

// LogValue implements [slog.LogValuer]: a group of what is known.
func (h Health) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("key", h.Key), slog.String("status", h.Status.String())}
	for _, a := range []slog.Attr{
		slog.String(fieldClientID, h.ClientID), slog.String(fieldTenantID, h.TenantID),
		slog.String(fieldAuthorityHost, h.AuthorityHost),
	} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	for _, a := range []slog.Attr{
		slog.Time(fieldObtainedAt, h.ObtainedAt), slog.Time(fieldLastUsedAt, h.LastUsedAt),
		slog.Time(fieldSignedInAt, h.SignedInAt), slog.Time("lapses_at", h.LapsesAt),
	} {
		if !a.Value.Time().IsZero() {
			attrs = append(attrs, a)
		}
	}
	if !h.LapsesAt.IsZero() {
		attrs = append(attrs, slog.Duration("idle", h.Idle), slog.Duration("left", h.Left))
	}
	if h.Err != nil {
		attrs = append(attrs, slog.Any("error", h.Err))
	}
	return slog.GroupValue(attrs...)
}

// days prints a long time in days and a shorter one in hours and minutes.
func days(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d/(24*time.Hour)))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", int(d/time.Hour))
	default:
		return d.Round(time.Second).String()
	}
}

// healthLimits are the thresholds of a watchdog.
type healthLimits struct {
	lifetime, warn, alarm, signIn time.Duration
}

// examine judges a record by its dates. Clocks of other machines may be ahead of ours, so
// no age is below zero.
func (l healthLimits) examine(key string, r Record, now time.Time) Health {
	since := func(t time.Time) time.Duration {
		if t.IsZero() {
			return 0
		}
		return max(now.Sub(t), 0)
	}
	h := Health{
		Key: key, Status: HealthUndated, CheckedAt: now,
		ClientID: r.ClientID, TenantID: r.TenantID, AuthorityHost: r.AuthorityHost,
		ObtainedAt: r.ObtainedAt, LastUsedAt: r.LastUsedAt, SignedInAt: r.SignedInAt,
		Age: since(r.ObtainedAt), SignInAge: since(r.SignedInAt),
	}
	last := r.ObtainedAt
	if r.LastUsedAt.After(last) {
		last = r.LastUsedAt
	}
	if !last.IsZero() {
		h.Idle, h.LapsesAt = since(last), last.Add(l.lifetime)
		h.Left = h.LapsesAt.Sub(now)
		switch {
		case h.Left <= 0:
			h.Status = HealthLapsed
		case h.Idle >= l.alarm:
			h.Status = HealthCritical
		case h.Idle >= l.warn:
			h.Status = HealthWarning
		default:
			h.Status = HealthGood
		}
	}
	if l.signIn > 0 && h.SignInAge >= l.signIn {
		h.Status = worse(h.Status, HealthWarning)
	}
	return h
}

// worse returns the more urgent of two states.
func worse(a, b HealthStatus) HealthStatus {
	if a.severity() < b.severity() {
		return b
	}
	return a
}
