package auth

import "github.com/partnercenter-go/partnercenter"

// TokenSource is [partnercenter.TokenSource], the interface that all API packages
// accept. It is declared there so that none of them depends on this package.
type TokenSource = partnercenter.TokenSource

// TokenRequest is [partnercenter.TokenRequest], which says what a token is for.
type TokenRequest = partnercenter.TokenRequest

// Token is [partnercenter.Token], an access token and its times.
type Token = partnercenter.Token

// TokenSourceFunc is [partnercenter.TokenSourceFunc], which makes a source of a
// function. Put [Cached] around it when the function asks over a network.
type TokenSourceFunc = partnercenter.TokenSourceFunc
