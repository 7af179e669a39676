package auth

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/partnercenter-go/partnercenter"
)

// Environment variables that [FromEnvironment] reads.
const (
	// EnvTenantID is the directory, see [App.TenantID].
	EnvTenantID = "PARTNERCENTER_TENANT_ID"
	// EnvClientID is the application, see [App.ClientID].
	EnvClientID = "PARTNERCENTER_CLIENT_ID"
	// EnvClientSecret is the application's secret, see [ClientSecret].
	EnvClientSecret = "PARTNERCENTER_CLIENT_SECRET"
	// EnvUsername is the user's sign-in name, see [UserPassword].
	EnvUsername = "PARTNERCENTER_USERNAME"
	// EnvPassword is the user's password, see [UserPassword].
	EnvPassword = "PARTNERCENTER_PASSWORD"
	// EnvAccessToken is a token from elsewhere, see [Static].
	EnvAccessToken = "PARTNERCENTER_ACCESS_TOKEN"
	// EnvAuthority is the sign-in host, see [Options.Authority].
	EnvAuthority = "PARTNERCENTER_AUTHORITY"
)

// ErrNoEnvironment is returned by [FromEnvironment] when none of its variables is set.
var ErrNoEnvironment = errors.New("auth: no credentials in the environment")

// FromEnvironment makes the source that the process's environment describes:
//
//	flow                 variables
//	client credentials   TENANT_ID CLIENT_ID CLIENT_SECRET
//	username/password    TENANT_ID CLIENT_ID USERNAME PASSWORD [CLIENT_SECRET]
//	static token         ACCESS_TOKEN
//
// each with the prefix PARTNERCENTER_; see the Env constants. PARTNERCENTER_AUTHORITY may
// accompany the first two and is used when opts names no authority. A variable that is
// set to the empty string counts as not set. Incomplete and contradictory settings are
// an error that names the variables; with none of them set the error is
// [ErrNoEnvironment], so that a program can choose something else.
//
// The environment is read once. It is the only place where this module reads it.
func FromEnvironment(opts *Options) (*Source, error) {
	return FromVariables(os.LookupEnv, opts) //nolint:forbidigo // what the function's name says
}

// FromVariables is [FromEnvironment] with variables from elsewhere, such as a test or a
// configuration file. The lookup function is called with the names of the Env constants.
func FromVariables(lookup func(name string) (value string, ok bool), opts *Options) (*Source, error) {
	vars := map[string]string{}
	for _, name := range []string{EnvTenantID, EnvClientID, EnvClientSecret, EnvUsername, EnvPassword, EnvAccessToken, EnvAuthority} {
		if v, ok := lookup(name); ok && v != "" {
			vars[name] = v
		}
	}
	if len(vars) == 0 {
		return nil, ErrNoEnvironment
	}
	if err := consistent(vars); err != nil {
		return nil, err
	}
	if v, ok := vars[EnvAccessToken]; ok {
		if strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return nil, fmt.Errorf("auth: %s holds white space; it must be the token alone, without \"Bearer\" and line break", EnvAccessToken)
		}
		s := Cached(Static(Token{Value: partnercenter.NewSecret(v)}), opts)
		s.name = "token from " + EnvAccessToken
		return s, nil
	}
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Authority == "" {
		o.Authority = vars[EnvAuthority]
	}
	app := App{TenantID: vars[EnvTenantID], ClientID: vars[EnvClientID]}
	if v, ok := vars[EnvClientSecret]; ok {
		app.Credential = ClientSecret(partnercenter.NewSecret(v))
	}
	var s *Source
	var err error
	if v, ok := vars[EnvUsername]; ok {
		s, err = NewUsernamePassword(app, UserPassword{Username: v, Password: partnercenter.NewSecret(vars[EnvPassword])}, &o)
	} else {
		s, err = NewClientCredentials(app, &o)
	}
	if err != nil {
		return nil, fmt.Errorf("%w (values from %s)", err, strings.Join(others(vars), ", "))
	}
	return s, nil
}

// consistent checks that the variables describe one flow and all of it.
func consistent(vars map[string]string) error {
	has := func(name string) bool { _, ok := vars[name]; return ok }
	if has(EnvAccessToken) {
		if others := others(vars, EnvAccessToken); len(others) > 0 {
			return fmt.Errorf("auth: the environment has %s, which needs nothing else, and also %s; unset one or the other", EnvAccessToken, strings.Join(others, ", "))
		}
		return nil
	}
	need := []string{EnvTenantID, EnvClientID}
	switch {
	case has(EnvUsername) || has(EnvPassword):
		need = append(need, EnvUsername, EnvPassword)
	case has(EnvClientSecret):
		need = append(need, EnvClientSecret)
	default:
		// Tenant, application or authority alone: the way to prove it is missing.
		return fmt.Errorf("auth: the environment has %s, but neither %s nor %s and %s", strings.Join(others(vars), ", "), EnvClientSecret, EnvUsername, EnvPassword)
	}
	missing := slices.DeleteFunc(need, has)
	if len(missing) > 0 {
		return fmt.Errorf("auth: the environment has %s, but not %s", strings.Join(others(vars), ", "), strings.Join(missing, ", "))
	}
	return nil
}

// others lists the names of the variables that are set, sorted, without one of them.
func others(vars map[string]string, but ...string) []string {
	var names []string
	for name := range vars {
		if !slices.Contains(but, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
