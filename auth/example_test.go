package auth_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// An application signs in with its client secret. The fake takes the place of Entra ID;
// leave Options.Transport out to reach the real one.
func ExampleNewClientCredentials() {
	srv, err := pctest.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = srv.Close() }()

	src, err := auth.NewClientCredentials(auth.App{
		TenantID:   srv.TenantID(),
		ClientID:   srv.ClientID(),
		Credential: auth.ClientSecret(srv.ClientSecret()),
	}, &auth.Options{Transport: srv.Transport()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = src.Close() }()

	tok, err := src.Token(context.Background(), partnercenter.TokenRequest{Resource: "https://api.partner.microsoft.com"})
	fmt.Println(tok.Value, err)
	// Output: [redacted] <nil>
}

// The secret comes from a vault each time it is needed, so that a rotated one is picked
// up without a restart.
func ExampleClientSecretFunc() {
	srv, err := pctest.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = srv.Close() }()
	vault := func(context.Context) (partnercenter.Secret, error) {
		return srv.ClientSecret(), nil // ask the vault here
	}

	src, err := auth.NewClientCredentials(auth.App{
		TenantID:   srv.TenantID(),
		ClientID:   srv.ClientID(),
		Credential: auth.ClientSecretFunc(vault),
	}, &auth.Options{Transport: srv.Transport()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = src.Close() }()

	tok, err := src.Token(context.Background(), partnercenter.TokenRequest{Resource: "https://api.partner.microsoft.com"})
	fmt.Println(tok.Value, err)
	// Output: [redacted] <nil>
}

// Failures are sorted by what to do about them.
func ExampleError() {
	srv, err := pctest.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = srv.Close() }()
	src, err := auth.NewUsernamePassword(auth.App{TenantID: srv.TenantID(), ClientID: srv.ClientID()}, auth.UserPassword{
		Username: srv.Username(),
		Password: partnercenter.NewSecret("a wrong password"),
	}, &auth.Options{Transport: srv.Transport()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = src.Close() }()

	_, err = src.Token(context.Background(), partnercenter.TokenRequest{Resource: "https://api.partner.microsoft.com"})
	switch {
	case errors.Is(err, auth.ErrTransient):
		fmt.Println("try again later")
	case errors.Is(err, auth.ErrInteractionRequired):
		fmt.Println("the user must sign in")
	case errors.Is(err, auth.ErrBadUserCredential):
		var e *auth.Error
		errors.As(err, &e)
		fmt.Println(e.Code, e.STSCodes)
	default:
		fmt.Println(err)
	}
	// Output: invalid_grant [50126]
}

// A function becomes a source that fetches each token once and keeps it.
func ExampleCached() {
	asked := 0
	broker := auth.TokenSourceFunc(func(context.Context, auth.TokenRequest) (auth.Token, error) {
		asked++
		return auth.Token{Value: partnercenter.NewSecret("..."), ExpiresOn: time.Now().Add(time.Hour)}, nil
	})
	src := auth.Cached(broker, nil)
	defer func() { _ = src.Close() }()
	for range 1000 {
		if _, err := src.Token(context.Background(), auth.TokenRequest{Resource: "https://api.partner.microsoft.com"}); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println(asked)
	// Output: 1
}

// A program that runs without credentials can tell that from wrong ones.
func ExampleFromVariables() {
	variables := map[string]string{auth.EnvTenantID: "contoso.example", auth.EnvClientID: "11111111-2222-3333-4444-555555555555"}
	lookup := func(name string) (string, bool) { v, ok := variables[name]; return v, ok }
	_, err := auth.FromVariables(lookup, nil)
	fmt.Println(errors.Is(err, auth.ErrNoEnvironment), err)
	clear(variables)
	_, err = auth.FromVariables(lookup, nil)
	fmt.Println(errors.Is(err, auth.ErrNoEnvironment), err)
	// Output:
	// false auth: the environment has PARTNERCENTER_CLIENT_ID, PARTNERCENTER_TENANT_ID, but none of PARTNERCENTER_CLIENT_SECRET, PARTNERCENTER_CLIENT_CERTIFICATE_PATH, PARTNERCENTER_FEDERATED_TOKEN_FILE, PARTNERCENTER_REFRESH_TOKEN_STORE, or PARTNERCENTER_USERNAME and PARTNERCENTER_PASSWORD
	// true auth: no credentials in the environment; set PARTNERCENTER_TENANT_ID, PARTNERCENTER_CLIENT_ID and what proves them, such as PARTNERCENTER_CLIENT_SECRET (the documentation of auth.FromEnvironment lists all variables)
}
