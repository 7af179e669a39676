package entra

import (
	"crypto/rsa"
	"crypto/x509"
	"time"

	pc "github.com/partnercenter-go/partnercenter"
)

// Rotation says what happens to a refresh token that has been redeemed.
type Rotation int

// Rotations of refresh tokens.
const (
	// Lenient leaves the redeemed token alive, as the platform documents it in
	// https://learn.microsoft.com/entra/identity-platform/refresh-tokens.
	Lenient Rotation = iota
	// Strict kills a token with its redemption, as the Partner Center page on
	// the earnings API says of its own tokens.
	Strict
)

// Config describes a directory. The zero value is an empty one; fill it before New
// or with the Set methods of [Server].
type Config struct {
	// Clock tells the time of tokens, secrets and lock-outs. Default
	// [time.Now], which follows the fake clock inside a synctest bubble.
	Clock func() time.Time
	// Key signs tokens. Default: one that all servers of the process share.
	Key *rsa.PrivateKey
	// Tenants are the directories that exist.
	Tenants []Tenant
	// Apps are the registered applications.
	Apps []App
	// Users are the accounts.
	Users []User
	// Resources are the APIs that tokens can be issued for.
	Resources []Resource
	// TokenLifetime is how long access tokens live. Default 3599 s.
	TokenLifetime time.Duration
	// RefreshIn is the advice given in refresh_in. Default: none is given.
	RefreshIn time.Duration
	// RefreshTokenLifetime is how long a refresh token may lie unused. Default
	// 90 days.
	RefreshTokenLifetime time.Duration
	// Rotation is what redeeming does to a refresh token. Default [Lenient].
	Rotation Rotation
	// CodeLifetime is how long an authorization code can be redeemed. Default
	// 10 min.
	CodeLifetime time.Duration
	// DeviceInterval is how long a client waits between two questions whether a
	// device code has been approved. Default 5 s.
	DeviceInterval time.Duration
	// DeviceLifetime is how long a user can do so. Default 15 min.
	DeviceLifetime time.Duration
	// LockoutAfter is the number of wrong passwords in a row after which an
	// account is locked. Default 10.
	LockoutAfter int
	// LockoutFor is how long it stays locked. Default 1 min.
	LockoutFor time.Duration
	// MaxRecords bounds the recorder; the oldest records go first. Default 4096.
	MaxRecords int
}

// Tenant is a directory.
type Tenant struct {
	// ID is the tenant's GUID.
	ID string
	// Domains are verified domain names, which work in place of the ID.
	Domains []string
}

// App is a registered application.
type App struct {
	// ClientID is the application's GUID.
	ClientID string
	// TenantID restricts the application to one directory. Empty means that it
	// is known in all of them.
	TenantID string
	// Secrets are the client secrets, any of which is good until it expires.
	Secrets []AppSecret
	// Certificates prove the application's identity with the assertions that they
	// have signed.
	Certificates []*x509.Certificate
	// Trusts are certificates that are known by their name and issuer only.
	Trusts []Trust
	// Federated are identity providers whose tokens prove the application's
	// identity.
	Federated []FederatedCredential
	// RedirectURIs are where sign-ins may return to. The port of http://localhost
	// does not matter.
	RedirectURIs []string
	// PublicClient is the "Allow public client flows" switch: user flows then
	// need no client credential.
	PublicClient bool
	// Roles go into app-only tokens.
	Roles []string
	// Scopes go into user tokens. Default "user_impersonation".
	Scopes []string
}

// AppSecret is one client secret.
type AppSecret struct {
	// Value is the secret.
	Value pc.Secret
	// ExpiresOn is when it stops working. Zero means never.
	ExpiresOn time.Time
}

// Realm is the kind of account that home realm discovery reports.
type Realm int

// Realms of users.
const (
	// Managed accounts have their password in the directory.
	Managed Realm = iota
	// Federated accounts sign in at a server of their own organisation.
	Federated
)

// User is an account.
type User struct {
	// UPN is the sign-in name; case does not matter.
	UPN string
	// TenantID is the home directory.
	TenantID string
	// ObjectID is the oid claim. Default: a fresh GUID.
	ObjectID string
	// Password is what the password grant must send.
	Password pc.Secret
	// Realm is the kind of account. Default [Managed].
	Realm Realm
	// FederationMetadataURL is where a federated account's server describes
	// itself.
	FederationMetadataURL string
	// RequireMFA refuses the password grant with 50076 and a claims challenge, and
	// makes sign-in pages ask for MFACode.
	RequireMFA bool
	// MFACode is the second factor. Default "123456".
	MFACode string
	// AMR is the amr claim of the user's tokens. Default "pwd".
	AMR []string
}

// Resource is an API that tokens can be issued for.
type Resource struct {
	// Audience is the identifier that clients ask for, without "/.default".
	Audience string
	// AppID is the API's own application id. Version 2 tokens carry it as aud.
	AppID string
	// TokenVersion is 1 or 2 and selects the claims of the tokens. Default 1.
	TokenVersion int
}
