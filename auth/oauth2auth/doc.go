// Package oauth2auth connects the token sources of this module with those of
// golang.org/x/oauth2, in both directions.
//
// [NewSource] makes a source for the API packages of an [oauth2.TokenSource].
// [NewTokenSource] goes the other way, for libraries that want one, and for
// [oauth2.NewClient].
//
// The two differ in what they can express. An oauth2.TokenSource is bound to one resource
// when it is made, takes no context, and can neither answer a claims challenge nor be
// told that a token was rejected. The flows of package auth have none of these limits;
// in particular, [auth.NewRefreshToken] asks for several resources with one refresh token
// and saves the new one, which the refreshing sources of oauth2 do not.
//
// It is a module of its own, so that whoever does not use golang.org/x/oauth2 does not
// depend on it.
package oauth2auth
