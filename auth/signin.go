package auth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
	"github.com/google/uuid"
)

// Prompt says what the sign-in page asks of the user. Other values that the page knows can
// be used, too: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow.
type Prompt string

// Prompts of the sign-in page. The zero value lets it sign in whom it knows already.
const (
	// PromptSelectAccount lets the user choose an account.
	PromptSelectAccount Prompt = "select_account"
	// PromptLogin asks for the credentials again, and so for a fresh second factor.
	PromptLogin Prompt = "login"
	// PromptConsent asks for consent again.
	PromptConsent Prompt = "consent"
)

// SignIn says through which application a user signs in and where the refresh token goes
// that comes of it. [NewConsent], [SignInWithBrowser] and [SignInWithDeviceCode] take it;
// afterwards [NewRefreshToken] makes a source of the same App, Store and Key.
type SignIn struct {
	// App is the application. Its TenantID may be "organizations", which lets users of
	// any tenant sign in.
	App App
	// Store and Key are where the refresh token is saved. What is there is replaced.
	Store TokenStore
	// Key names the record in the store, see [ValidateKey].
	Key string
	// Resource is the API that the user consents to, for example
	// "https://api.partner.microsoft.com". The refresh token works for all APIs that
	// the registration asks for.
	Resource string
	// LoginHint is the sign-in name to suggest. It binds nobody: look at
	// [SignedIn.Username].
	LoginHint string
	// Prompt is what to ask of the user. Not used with device codes.
	Prompt Prompt
	// Claims is a claims challenge as JSON text, for example [Error.Claims] of an error
	// that matches [ErrInteractionRequired].
	Claims string
	// Replace permits the sign-in to take the place of a record that belongs to
	// another application or another tenant, which otherwise is an error: most
	// likely somebody has mixed up the keys.
	Replace bool
}

// SignedIn is a sign-in that has succeeded and whose refresh token has been saved.
type SignedIn struct {
	// TenantID is the directory that the user signed in to.
	TenantID string
	// Username is the user's sign-in name.
	Username string
	// UserID is the user's object ID in the directory.
	UserID string
	// AMR lists how the user has proved who they are, for example "pwd" and "mfa", as
	// far as the access token can be read; empty when it cannot. Partner Center wants
	// to see "mfa".
	AMR []string
	// Token is an access token for [SignIn.Resource].
	Token Token
	// Version is that of the saved record.
	Version Version
}

// ErrNotSaved says that a user has signed in, but that the refresh token could not be saved.
var ErrNotSaved = errors.New("the refresh token of the sign-in could not be saved")

// validate checks what can be checked without asking.
func (s SignIn) validate() error {
	if err := s.App.validate(true); err != nil {
		return err
	}
	if s.App.Credential != nil {
		if err := s.App.Credential.check(); err != nil {
			return err
		}
	}
	if s.Store == nil {
		return errors.New("auth: SignIn.Store is nil; use, for example, a FileStore")
	}
	if err := ValidateKey(s.Key); err != nil {
		return err
	}
	if strings.ContainsFunc(s.LoginHint+string(s.Prompt), func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return errors.New("auth: SignIn.LoginHint and SignIn.Prompt must be one line")
	}
	return validRequest(TokenRequest{Resource: s.Resource, Claims: s.Claims})
}

// prepare looks at what a sign-in would replace, before the user's trouble is spent.
func (s SignIn) prepare(ctx context.Context) error {
	_, _, err := s.present(ctx, "")
	return err
}

// present loads what the sign-in is about to replace. A record that cannot be read may be
// replaced; one that a newer program has written may not.
func (s SignIn) present(ctx context.Context, tenantID string) (Record, Version, error) {
	old, version, err := s.Store.Load(ctx, s.Key)
	switch {
	case errors.Is(err, ErrNoRecord):
		return Record{}, "", nil
	case errors.Is(err, ErrUnreadable):
		return Record{}, version, nil
	case err != nil:
		return Record{}, "", fmt.Errorf("auth: reading the store for the sign-in: %w", err)
	}
	if s.Replace {
		return old, version, nil
	}
	if old.ClientID != "" && !strings.EqualFold(old.ClientID, s.App.ClientID) {
		return old, version, fmt.Errorf("auth: the key %q holds a refresh token of application %s; use another key, or set SignIn.Replace", s.Key, old.ClientID)
	}
	if differentTenants(old.TenantID, s.App.TenantID) || differentTenants(old.TenantID, tenantID) {
		other := tenantID
		if other == "" {
			other = s.App.TenantID
		}
		return old, version, fmt.Errorf("auth: the key %q holds a refresh token of tenant %s, and the sign-in is for tenant %s; use another key, or set SignIn.Replace", s.Key, old.TenantID, other)
	}
	return old, version, nil
}

// differentTenants compares IDs; a domain name may stand for the same tenant.
func differentTenants(a, b string) bool {
	_, errA := uuid.Parse(a)
	_, errB := uuid.Parse(b)
	return errA == nil && errB == nil && !strings.EqualFold(a, b)
}

// outcome is what a sign-in has brought, on its way into the store.
type outcome struct {
	signedIn SignedIn
	record   Record
}

// newOutcome gathers what the answer of the token endpoint says.
func (s SignIn) newOutcome(c *client, x *exchange, ar confidential.AuthResult, tok Token) (*outcome, error) {
	fresh := x.takeRefreshToken()
	if fresh.IsZero() {
		return nil, &Error{
			Kind: KindBadConfiguration, ClientID: s.App.ClientID, TenantID: s.App.TenantID, Resource: s.Resource, CorrelationID: x.correlationID,
			Description: "the user has signed in, but the answer has no refresh token",
			Advice:      "Check that the registration and the tenant's policies permit offline_access.",
		}
	}
	now := time.Now()
	out := &outcome{
		signedIn: SignedIn{
			TenantID: ar.IDToken.TenantID, Username: ar.IDToken.PreferredUsername, UserID: ar.IDToken.Oid,
			AMR: authenticationMethods(ar.AccessToken), Token: tok,
		},
		record: Record{RefreshToken: fresh, ClientID: s.App.ClientID, AuthorityHost: c.wire.host, ObtainedAt: now},
	}
	if out.signedIn.TenantID == "" {
		out.signedIn.TenantID = s.App.TenantID
	}
	out.record.TenantID = out.signedIn.TenantID
	if slices.Contains(out.signedIn.AMR, "mfa") {
		out.record.SignedInAt = now
	}
	return out, nil
}

// authenticationMethods reads the amr claim of an access token, if it can be read. Nobody
// but the API is meant to; here it only serves people.
func authenticationMethods(token string) []string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil
	}
	var claims struct {
		AMR []string `json:"amr"`
	}
	if json.Unmarshal(b, &claims) != nil {
		return nil
	}
	return claims.AMR
}

// keep saves the refresh token. A newer sign-in beats whatever is stored, so a conflict means
// to look again. Other errors may pass, and after them only a look tells what is stored; so
// it goes on for as long as the context lasts.
func (s SignIn) keep(ctx context.Context, o *outcome) error {
	wait := firstSavePause
	for {
		version, err := s.keepOnce(ctx, o)
		if err == nil {
			o.signedIn.Version = version
			return nil
		}
		final := lasting(err) || errors.Is(err, errOther)
		if !final {
			pause(ctx, wait)
			wait = min(2*wait, maxSavePause)
		}
		if final || ctx.Err() != nil {
			return fmt.Errorf("auth: %w: %w", ErrNotSaved, scrubbed(err, o.record.RefreshToken.Reveal()))
		}
	}
}

// errOther marks a refusal that no repetition changes.
var errOther = errors.New("the record belongs to another application or tenant")

func (s SignIn) keepOnce(ctx context.Context, o *outcome) (Version, error) {
	old, version, err := s.present(ctx, o.signedIn.TenantID)
	if err != nil {
		if old.ClientID != "" {
			return "", fmt.Errorf("%w: %w", errOther, err)
		}
		return "", err
	}
	if old.RefreshToken.Equal(o.record.RefreshToken) {
		return version, nil // an earlier attempt succeeded without saying so
	}
	r := o.record
	r.Extra = old.Extra
	return s.Store.Save(ctx, s.Key, r, version)
}
