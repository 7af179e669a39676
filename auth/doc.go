// Package auth turns credentials of Microsoft Entra ID into access tokens for the
// API packages.
//
//	src, err := auth.NewClientCredentials(auth.App{
//		TenantID:   "contoso.example",
//		ClientID:   "11111111-2222-3333-4444-555555555555",
//		Credential: auth.ClientSecret(secret),
//	}, nil)
//
// Every constructor follows that pattern: an [App] says which registration asks and
// how it proves its identity, the rest is what the flow needs. Constructors check
// their input and do nothing else; the first request is sent when the first token is
// needed.
//
// # Which flow
//
// [NewClientCredentials] is the application acting for itself, without a user.
// [NewUsernamePassword] is a user's name and password; it is a legacy flow that cannot
// pass multifactor authentication, which Partner Center demands of its users. [Static]
// wraps a token from elsewhere, [TokenSourceFunc] a function, and [FromEnvironment]
// chooses by environment variables.
//
// An application proves its identity with a [ClientCredential]: a secret, a certificate, or
// an assertion such as the token of its workload. All of them work in every flow, and each
// can come from a function or a file that is read anew.
//
// # Signing users in
//
// A user signs in once, and [NewRefreshToken] goes on from there: [SignInWithBrowser] for
// programs on the user's machine, [SignInWithDeviceCode] for machines without a browser,
// [NewConsent] for web applications. Each saves the refresh token into a [TokenStore] before
// it reports success.
//
// A refresh token is replaced with every use and lapses when it is not used for 90 days.
// NewRefreshToken keeps it safe between processes, crashes and broken stores; a [Watchdog]
// tells weeks ahead which tokens of a store are about to lapse, and renews them if asked to.
//
// # The cached layer
//
// A [Source] keeps one token per tenant, resource and claims challenge. However many
// goroutines ask at once, one request goes out; a caller whose context ends leaves at
// once and disturbs neither that request nor the others. Tokens are renewed in the
// background well before they expire, and a failed renewal is repeated with growing
// pauses while the old token still serves. After a 401 the API packages name the
// rejected token: a source that still holds it fetches one new token, for all callers
// together, and does not hand out the rejected one again. [Cached] puts the same layer
// over any other source.
//
// # Where tokens go
//
// The API packages tell a source which host a token is for, and a source gives none to a
// host outside its [Cloud], so that a slip in an endpoint's name does no harm. A gateway of
// your own is allowed by adding it to Cloud.Hosts; loopback always is.
//
// # Errors
//
// Refusals are [*Error] values, sorted by what to do about them; compare them with
// [errors.Is] and ErrTransient, ErrInteractionRequired, ErrBadClientCredential and so
// on. [ErrInteractionRequired] is also matched by the errors of APIs that refuse a token
// because its sign-in lacked multifactor authentication: one check finds every case in
// which a person must sign in, but for [ErrRefreshTokenDead]. No error, log record or printed value holds a secret, a password or a token.
package auth
