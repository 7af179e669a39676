package auth

import (
	"errors"

	"github.com/partnercenter-go/partnercenter"
)

// Kind sorts failures by what to do about them.
type Kind int

// Kinds of failure. The codes named are those that Entra ID lists in
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes.
const (
	// KindUnknown is a refusal that the SDK cannot place; see the code.
	KindUnknown Kind = iota
	// KindTransient may pass by itself: no answer, 429, 5xx. The SDK has already
	// repeated the request; ask again later, after [Error.RetryAfter] if it is set.
	KindTransient
	// KindInteractionRequired needs the user: a second factor, a consent, a new
	// password. Asking again without the user is pointless and gets punished
	// (AADSTS50196).
	KindInteractionRequired
	// KindRefreshTokenDead means that the refresh token has expired, was revoked
	// or was redeemed before. A new sign-in is needed.
	KindRefreshTokenDead
	// KindCodeReplayed means that an authorization code had been redeemed before.
	KindCodeReplayed
	// KindBadClientCredential means that the application could not prove its
	// identity: wrong, expired or missing secret, certificate or assertion.
	KindBadClientCredential
	// KindBadUserCredential means that the user could not: wrong password,
	// locked, disabled or unknown account.
	KindBadUserCredential
	// KindBadConfiguration means that application, tenant, resource or authority
	// do not fit together.
	KindBadConfiguration
	// KindWrongCloud means that the tenant lives in another national cloud.
	KindWrongCloud
	// KindTokenRejected means that the API rejected the token and the source
	// cannot get another.
	KindTokenRejected
	// KindBadAnswer means that the answer was not what a token endpoint sends,
	// often because something between the program and Entra ID answered.
	KindBadAnswer
	// KindDenied means that the user, or an administrator's policy, said no.
	KindDenied
	// KindSignInExpired means that a sign-in took too long, or that its code is not
	// valid any more.
	KindSignInExpired
	// KindStateMismatch means that a callback does not belong to the sign-in: it
	// came from elsewhere, or from another attempt.
	KindStateMismatch
)

// One error per kind, for [errors.Is]. An [*Error] matches the one of its kind.
var (
	// ErrTransient is the error of [KindTransient].
	ErrTransient = errors.New("token service not available")
	// ErrInteractionRequired is the error of [KindInteractionRequired], the same value
	// as [partnercenter.ErrInteractionRequired], so that one question finds what Entra
	// ID has refused and what an API has.
	ErrInteractionRequired = partnercenter.ErrInteractionRequired
	// ErrRefreshTokenDead is the error of [KindRefreshTokenDead].
	ErrRefreshTokenDead = errors.New("refresh token is dead")
	// ErrCodeReplayed is the error of [KindCodeReplayed].
	ErrCodeReplayed = errors.New("authorization code was already redeemed")
	// ErrBadClientCredential is the error of [KindBadClientCredential].
	ErrBadClientCredential = errors.New("client credential refused")
	// ErrBadUserCredential is the error of [KindBadUserCredential].
	ErrBadUserCredential = errors.New("user credential refused")
	// ErrBadConfiguration is the error of [KindBadConfiguration].
	ErrBadConfiguration = errors.New("wrong configuration")
	// ErrWrongCloud is the error of [KindWrongCloud].
	ErrWrongCloud = errors.New("wrong cloud")
	// ErrTokenRejected is the error of [KindTokenRejected].
	ErrTokenRejected = errors.New("token rejected")
	// ErrBadAnswer is the error of [KindBadAnswer].
	ErrBadAnswer = errors.New("unusable answer from the token service")
	// ErrDenied is the error of [KindDenied].
	ErrDenied = errors.New("sign-in was denied")
	// ErrSignInExpired is the error of [KindSignInExpired].
	ErrSignInExpired = errors.New("sign-in has expired")
	// ErrStateMismatch is the error of [KindStateMismatch].
	ErrStateMismatch = errors.New("callback does not belong to the sign-in")
)

// ErrClosed is returned by a [Source] that has been closed.
var ErrClosed = errors.New("auth: the token source is closed")

// sentinel is the error that stands for the kind, nil for KindUnknown.
func (k Kind) sentinel() error {
	switch k {
	case KindTransient:
		return ErrTransient
	case KindInteractionRequired:
		return ErrInteractionRequired
	case KindRefreshTokenDead:
		return ErrRefreshTokenDead
	case KindCodeReplayed:
		return ErrCodeReplayed
	case KindBadClientCredential:
		return ErrBadClientCredential
	case KindBadUserCredential:
		return ErrBadUserCredential
	case KindBadConfiguration:
		return ErrBadConfiguration
	case KindWrongCloud:
		return ErrWrongCloud
	case KindTokenRejected:
		return ErrTokenRejected
	case KindBadAnswer:
		return ErrBadAnswer
	case KindDenied:
		return ErrDenied
	case KindSignInExpired:
		return ErrSignInExpired
	case KindStateMismatch:
		return ErrStateMismatch
	default:
		return nil
	}
}

// String describes the kind in a few words, for example "client credential refused".
func (k Kind) String() string {
	if err := k.sentinel(); err != nil {
		return err.Error()
	}
	return "token request refused"
}

// advice says what to do about the kind in general.
func (k Kind) advice() string {
	switch k {
	case KindTransient:
		return "Try again later."
	case KindInteractionRequired:
		return "Let the user sign in interactively, with multifactor authentication."
	case KindRefreshTokenDead:
		return "Let the user sign in and consent again."
	case KindCodeReplayed:
		return "Start the sign-in again; a code works once."
	case KindBadClientCredential:
		return "Check the application's secret or certificate in the portal."
	case KindBadUserCredential:
		return "Check the user's name and password; do not repeat the attempt, or the account gets locked."
	case KindBadConfiguration:
		return "Check tenant, client ID, resource and authority."
	case KindWrongCloud:
		return "Set Options.Authority to the sign-in host of the tenant's cloud."
	case KindTokenRejected:
		return "Supply a new token."
	case KindBadAnswer:
		return "Check the authority, and whether a proxy answers in place of Entra ID."
	case KindDenied:
		return "Sign in again and accept, or ask the tenant's administrator for consent."
	case KindSignInExpired:
		return "Start the sign-in again."
	case KindStateMismatch:
		return "Start the sign-in again, from this program; do not act on the callback."
	default:
		return ""
	}
}
