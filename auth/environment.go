package auth

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
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
	// EnvClientCertificatePath is the file of the application's certificate, see
	// [ClientCertificateFile].
	EnvClientCertificatePath = "PARTNERCENTER_CLIENT_CERTIFICATE_PATH"
	// EnvClientCertificatePassword is the password of that file, if it is a PFX file.
	EnvClientCertificatePassword = "PARTNERCENTER_CLIENT_CERTIFICATE_PASSWORD"
	// EnvClientSendCertificateChain is "true" or "false", see [CertificateOptions.SendChain].
	EnvClientSendCertificateChain = "PARTNERCENTER_CLIENT_SEND_CERTIFICATE_CHAIN"
	// EnvFederatedTokenFile is the file of the workload's token, see [WorkloadIdentityFile].
	EnvFederatedTokenFile = "PARTNERCENTER_FEDERATED_TOKEN_FILE"
	// EnvRefreshTokenStore is where refresh tokens are, see [NewRefreshToken]: the
	// directory of a [FileStore], as a path or with "file:" in front, or the URL of a
	// store that [Options.OpenStore] opens, for example "redis://tokens.example:6379/0".
	EnvRefreshTokenStore = "PARTNERCENTER_REFRESH_TOKEN_STORE"
	// EnvRefreshTokenKey is the key in the store. Default: the tenant ID.
	EnvRefreshTokenKey = "PARTNERCENTER_REFRESH_TOKEN_KEY"
	// EnvUsername is the user's sign-in name, see [UserPassword].
	EnvUsername = "PARTNERCENTER_USERNAME"
	// EnvPassword is the user's password, see [UserPassword].
	EnvPassword = "PARTNERCENTER_PASSWORD"
	// EnvAccessToken is a token from elsewhere, see [Static].
	EnvAccessToken = "PARTNERCENTER_ACCESS_TOKEN"
	// EnvAuthority is the sign-in host, see [Options.Authority].
	EnvAuthority = "PARTNERCENTER_AUTHORITY"
	// EnvCloud is the name of a cloud, see [CloudByName].
	EnvCloud = "PARTNERCENTER_CLOUD"
)

// environment lists the variables in the order of the documentation.
func environment() []string {
	return []string{
		EnvTenantID, EnvClientID, EnvClientSecret, EnvClientCertificatePath, EnvClientCertificatePassword, EnvClientSendCertificateChain,
		EnvFederatedTokenFile, EnvRefreshTokenStore, EnvRefreshTokenKey, EnvUsername, EnvPassword, EnvAccessToken, EnvAuthority, EnvCloud,
	}
}

// ErrNoEnvironment is returned by [FromEnvironment] when none of its variables is set.
var ErrNoEnvironment = errors.New("auth: no credentials in the environment; set " + EnvTenantID + ", " + EnvClientID +
	" and what proves them, such as " + EnvClientSecret + " (the documentation of auth.FromEnvironment lists all variables)")

// FromEnvironment makes the source that the process's environment describes:
//
//	flow                 variables
//	client credentials   TENANT_ID CLIENT_ID and a credential
//	refresh token        TENANT_ID CLIENT_ID REFRESH_TOKEN_STORE [REFRESH_TOKEN_KEY] [a credential]
//	username/password    TENANT_ID CLIENT_ID USERNAME PASSWORD [a credential]
//	static token         ACCESS_TOKEN
//
//	credential           variables
//	secret               CLIENT_SECRET
//	certificate          CLIENT_CERTIFICATE_PATH [CLIENT_CERTIFICATE_PASSWORD] [CLIENT_SEND_CERTIFICATE_CHAIN]
//	workload identity    FEDERATED_TOKEN_FILE
//
//	REFRESH_TOKEN_STORE  opened with
//	a directory          NewFileStore
//	file:DIRECTORY       NewFileStore
//	any other URL        Options.OpenStore
//
// each with the prefix PARTNERCENTER_; see the Env constants. PARTNERCENTER_CLOUD may
// accompany all of them, PARTNERCENTER_AUTHORITY all but the static token; they are used
// when opts names no cloud or no authority. Without a cloud a static token is taken to be
// of the global one, and given to no other host; see [Cloud]. [Options.OpenStore] is the
// program's, because this module links no database drivers: it calls redisstore.New,
// postgresstore.New, keyvaultstore.New or keyringstore.New of the modules below auth (the
// first two have examples of it), or opens a store of your own. A sign-in that fills the
// store of refresh tokens is made with [NewConsent], [SignInWithBrowser] or
// [SignInWithDeviceCode].
//
// A variable that is set to the empty string counts as not set. Incomplete and
// contradictory settings are an error that names the variables; with none of them set the
// error is [ErrNoEnvironment], so that a program can choose something else.
//
// The environment is read once. It is the only place where this module reads it.
func FromEnvironment(opts *Options) (*Source, error) {
	return FromVariables(os.LookupEnv, opts) //nolint:forbidigo // what the function's name says
}

// FromVariables is [FromEnvironment] with variables from elsewhere, such as a test or a
// configuration file. The lookup function is called with the names of the Env constants.
func FromVariables(lookup func(name string) (value string, ok bool), opts *Options) (*Source, error) {
	vars := variables{}
	for _, name := range environment() {
		if v, ok := lookup(name); ok && v != "" {
			vars[name] = v
		}
	}
	if len(vars) == 0 {
		return nil, ErrNoEnvironment
	}
	if err := vars.consistent(); err != nil {
		return nil, err
	}
	if vars.has(EnvAccessToken) {
		return vars.static(opts)
	}
	s, err := vars.source(opts)
	if err != nil {
		return nil, fmt.Errorf("%w (values from %s)", err, strings.Join(vars.names(), ", "))
	}
	return s, nil
}

// variables are those that are set.
type variables map[string]string

func (v variables) has(name string) bool { _, ok := v[name]; return ok }

// names lists the variables that are set, sorted, without some of them.
func (v variables) names(but ...string) []string {
	var names []string
	for name := range v {
		if !slices.Contains(but, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// of returns those of the given names that are set.
func (v variables) of(names ...string) []string {
	return slices.DeleteFunc(names, func(n string) bool { return !v.has(n) })
}

// static makes the source of a token from elsewhere.
func (v variables) static(opts *Options) (*Source, error) {
	token := v[EnvAccessToken]
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return nil, fmt.Errorf("auth: %s holds white space; it must be the token alone, without \"Bearer\" and line break", EnvAccessToken)
	}
	o, err := v.options(opts)
	if err != nil {
		return nil, err
	}
	s := Cached(Static(Token{Value: partnercenter.NewSecret(token)}), &o)
	s.name = "token from " + EnvAccessToken
	if o.Cloud == nil {
		cloud := GlobalCloud()
		s.hosts = hostList{cloud.Name, cloud.Hosts}
	}
	return s, nil
}

// options are opts, completed from the variables.
func (v variables) options(opts *Options) (Options, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Authority == "" {
		o.Authority = v[EnvAuthority]
	}
	if name := v[EnvCloud]; name != "" && o.Cloud == nil {
		cloud, err := CloudByName(name)
		if err != nil {
			return o, err
		}
		o.Cloud = &cloud
	}
	return o, nil
}

// source makes the source of all other flows.
func (v variables) source(opts *Options) (*Source, error) {
	o, err := v.options(opts)
	if err != nil {
		return nil, err
	}
	credential, err := v.credential()
	if err != nil {
		return nil, err
	}
	app := App{TenantID: v[EnvTenantID], ClientID: v[EnvClientID], Credential: credential}
	switch {
	case v.has(EnvRefreshTokenStore):
		store, err := openStore(v[EnvRefreshTokenStore], o.OpenStore)
		if err != nil {
			return nil, err
		}
		key := v[EnvRefreshTokenKey]
		if key == "" {
			key = v[EnvTenantID]
		}
		return NewRefreshToken(app, store, key, &o)
	case v.has(EnvUsername):
		return NewUsernamePassword(app, UserPassword{Username: v[EnvUsername], Password: partnercenter.NewSecret(v[EnvPassword])}, &o)
	default:
		return NewClientCredentials(app, &o)
	}
}

// credential makes the application's credential, nil if there is none.
func (v variables) credential() (ClientCredential, error) {
	switch {
	case v.has(EnvClientSecret):
		return ClientSecret(partnercenter.NewSecret(v[EnvClientSecret])), nil
	case v.has(EnvFederatedTokenFile):
		return WorkloadIdentityFile(v[EnvFederatedTokenFile]), nil
	case v.has(EnvClientCertificatePath):
		var o CertificateOptions
		if text := v[EnvClientSendCertificateChain]; text != "" {
			send, err := strconv.ParseBool(text)
			if err != nil {
				return nil, fmt.Errorf("auth: %s must be \"true\" or \"false\"", EnvClientSendCertificateChain)
			}
			o.SendChain = send
		}
		return ClientCertificateFile(v[EnvClientCertificatePath], partnercenter.NewSecret(v[EnvClientCertificatePassword]), &o), nil
	}
	return nil, nil //nolint:nilnil // a public client has none
}

// consistent checks that the variables describe one flow and all of it.
func (v variables) consistent() error {
	if v.has(EnvAccessToken) {
		if others := v.names(EnvAccessToken, EnvCloud); len(others) > 0 {
			return fmt.Errorf("auth: the environment has %s, which needs nothing else, and also %s; unset one or the other", EnvAccessToken, strings.Join(others, ", "))
		}
		return nil
	}
	for _, contradiction := range [][]string{
		v.of(EnvClientSecret, EnvClientCertificatePath, EnvFederatedTokenFile),
		v.of(EnvRefreshTokenStore, EnvUsername),
		v.of(EnvRefreshTokenStore, EnvPassword),
	} {
		if len(contradiction) > 1 {
			return fmt.Errorf("auth: the environment has %s, which contradict each other; keep one of them", strings.Join(contradiction, " and "))
		}
	}
	need := []string{EnvTenantID, EnvClientID}
	credentials := []string{EnvClientSecret, EnvClientCertificatePath, EnvFederatedTokenFile}
	if len(v.of(EnvClientCertificatePassword, EnvClientSendCertificateChain)) > 0 {
		need = append(need, EnvClientCertificatePath)
	}
	switch {
	case len(v.of(EnvUsername, EnvPassword)) > 0:
		need = append(need, EnvUsername, EnvPassword)
	case len(v.of(EnvRefreshTokenStore, EnvRefreshTokenKey)) > 0:
		need = append(need, EnvRefreshTokenStore)
	case len(v.of(slices.Clone(credentials)...)) == 0 && !slices.Contains(need, EnvClientCertificatePath):
		// Tenant, application or authority alone: the way to prove it is missing.
		return fmt.Errorf("auth: the environment has %s, but none of %s, %s, or %s and %s",
			strings.Join(v.names(), ", "), strings.Join(credentials, ", "), EnvRefreshTokenStore, EnvUsername, EnvPassword)
	}
	missing := slices.DeleteFunc(need, v.has)
	if len(missing) > 0 {
		return fmt.Errorf("auth: the environment has %s, but not %s", strings.Join(v.names(), ", "), strings.Join(missing, ", "))
	}
	return nil
}
