package auth_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"software.sslmate.com/src/go-pkcs12"

	pc "github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
)

func lookup(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
}

func TestEnvironmentThatMakesSense(t *testing.T) {
	app := map[string]string{auth.EnvTenantID: tenantID, auth.EnvClientID: clientID}
	with := func(more ...string) map[string]string {
		out := maps.Clone(app)
		for i := 0; i < len(more); i += 2 {
			out[more[i]] = more[i+1]
		}
		return out
	}
	p, cfg := testPKI(), directory()
	cfg.Apps[0].Certificates, cfg.Apps[0].Federated = certified().Apps[0].Certificates, federated().Apps[0].Federated
	pemFile := file(t, "app.pem", pemOf(p.cert, p.key))
	pfxFile := file(t, "app.pfx", pfxOf(t, pkcs12.Modern, p.key, "canary-pw", p.cert, p.middle))
	tokenFile := file(t, "token", []byte(federatedToken(t, cluster, workload, exchange, p.otherKey)))
	for _, c := range []struct {
		name string
		vars map[string]string
		is   string
		upn  string
	}{
		{"client secret", with(auth.EnvClientSecret, secret), "client credentials of application " + clientID, ""},
		{"empty variables are not set", with(auth.EnvClientSecret, secret, auth.EnvUsername, "", auth.EnvAccessToken, ""), "client credentials of application " + clientID, ""},
		{"certificate", with(auth.EnvClientCertificatePath, pemFile), "client credentials of application " + clientID, ""},
		{"certificate with password and chain", with(auth.EnvClientCertificatePath, pfxFile, auth.EnvClientCertificatePassword, "canary-pw", auth.EnvClientSendCertificateChain, "true"), "client credentials of application " + clientID, ""},
		{"workload identity", with(auth.EnvFederatedTokenFile, tokenFile), "client credentials of application " + clientID, ""},
		{"password with a certificate", with(auth.EnvUsername, upn, auth.EnvPassword, passphrase, auth.EnvClientCertificatePath, pemFile), "password of " + upn + " through application " + clientID, upn},
		{"password", with(auth.EnvClientID, publicID, auth.EnvUsername, upn, auth.EnvPassword, passphrase), "password of " + upn + " through application " + publicID, upn},
		{"password with a secret", with(auth.EnvUsername, upn, auth.EnvPassword, passphrase, auth.EnvClientSecret, secret), "password of " + upn + " through application " + clientID, upn},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := listen(t, cfg, nil)
			c.vars[auth.EnvAuthority] = srv.url
			s, err := auth.FromVariables(lookup(c.vars), &auth.Options{Transport: srv.opts.Transport})
			if err != nil {
				t.Fatal(err)
			}
			closing(t, s)
			if s.String() != c.is {
				t.Errorf("the source is %q, want %q", s, c.is)
			}
			if claims, ok := srv.Check(get(t, s, auth.TokenRequest{}).Value.Reveal()); !ok || claims.UPN != c.upn {
				t.Errorf("claims %+v, valid: %t", claims, ok)
			}
		})
	}
	t.Run("refresh token", func(t *testing.T) {
		for _, key := range []string{"", "customer 7"} {
			srv := listen(t, directory(), nil)
			dir := filepath.Join(t.TempDir(), "tokens")
			store, err := auth.NewFileStore(dir, nil)
			if err != nil {
				t.Fatal(err)
			}
			rt, err := srv.IssueRefreshToken(clientID, upn, nil)
			if err != nil {
				t.Fatal(err)
			}
			name := cmp.Or(key, tenantID)
			if _, err := store.Save(t.Context(), name, auth.Record{RefreshToken: pc.NewSecret(rt), ClientID: clientID}, ""); err != nil {
				t.Fatal(err)
			}
			s, err := auth.FromVariables(lookup(with(auth.EnvClientSecret, secret, auth.EnvRefreshTokenStore, dir, auth.EnvRefreshTokenKey, key)), srv.opts)
			if err != nil {
				t.Fatal(err)
			}
			if claims, ok := srv.Check(get(t, closing(t, s), auth.TokenRequest{}).Value.Reveal()); !ok || claims.UPN != upn {
				t.Errorf("claims %+v, valid: %t", claims, ok)
			}
		}
	})
	t.Run("stores", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "tokens")
		t.Chdir(filepath.Dir(dir))
		files, err := auth.NewFileStore(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		memory := auth.NewMemoryStore()
		var opened []string
		open := func(location string) (auth.TokenStore, error) {
			opened = append(opened, location)
			return memory, nil
		}
		slashes := filepath.ToSlash(dir)
		if slashes[0] != '/' {
			slashes = "/" + slashes // a drive of Windows
		}
		for location, store := range map[string]auth.TokenStore{
			dir: files, "tokens": files, "file:" + dir: files, "file:tokens": files, "FILE://" + slashes: files, "file://localhost" + slashes: files,
			"redis://user:canary@tokens.example:6379/0": memory, "keyring:": memory,
		} {
			srv := listen(t, directory(), nil)
			rt, err := srv.IssueRefreshToken(clientID, upn, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, version, err := store.Load(t.Context(), tenantID)
			if err != nil && !errors.Is(err, auth.ErrNoRecord) {
				t.Fatal(err)
			}
			if _, err := store.Save(t.Context(), tenantID, auth.Record{RefreshToken: pc.NewSecret(rt), ClientID: clientID}, version); err != nil {
				t.Fatal(err)
			}
			opts := *srv.opts
			opts.OpenStore = open
			before := len(opened)
			s, err := auth.FromVariables(lookup(with(auth.EnvClientSecret, secret, auth.EnvRefreshTokenStore, location)), &opts)
			if err != nil {
				t.Fatalf("%s: %v", location, err)
			}
			if claims, ok := srv.Check(get(t, closing(t, s), auth.TokenRequest{}).Value.Reveal()); !ok || claims.UPN != upn {
				t.Errorf("%s: claims %+v, valid: %t", location, claims, ok)
			}
			if asked := opened[before:]; store == memory && !slices.Equal(asked, []string{location}) || store == files && len(asked) != 0 {
				t.Errorf("%s: OpenStore was asked for %q", location, asked)
			}
		}
	})
	t.Run("cloud", func(t *testing.T) {
		srv := entra.New(everywhere())
		vars := with(auth.EnvClientSecret, secret, auth.EnvCloud, "China")
		s, err := auth.FromVariables(lookup(vars), local(srv))
		if err != nil {
			t.Fatal(err)
		}
		get(t, closing(t, s), auth.TokenRequest{Resource: auth.ChinaCloud().Resources[0]})
		if e := refused(t, s, auth.TokenRequest{}); !errors.Is(e, auth.ErrWrongCloud) || srv.Requests()[0].Host != "login.partner.microsoftonline.cn" {
			t.Errorf("got %v from %s", e, srv.Requests()[0].Host)
		}
		// What the program says counts more.
		opts, global := local(srv), auth.GlobalCloud()
		opts.Cloud = &global
		s, err = auth.FromVariables(lookup(vars), opts)
		if err != nil {
			t.Fatal(err)
		}
		get(t, closing(t, s), auth.TokenRequest{})
	})
	t.Run("token", func(t *testing.T) {
		s, err := auth.FromVariables(lookup(map[string]string{auth.EnvAccessToken: "token-1"}), nil)
		if err != nil {
			t.Fatal(err)
		}
		want(t, closing(t, s), auth.TokenRequest{}, "token-1")
		if s.String() != "token from PARTNERCENTER_ACCESS_TOKEN" {
			t.Errorf("the source is %q", s)
		}
	})
	t.Run("token goes to its cloud only", func(t *testing.T) {
		gateway := auth.GlobalCloud()
		gateway.Hosts = append(gateway.Hosts, "gateway.contoso.example")
		for _, c := range []struct {
			cloud, host string
			opts        *auth.Options
			ok          bool
		}{
			{"", "api.partner.microsoft.com", nil, true},
			{"", "127.0.0.1:8443", nil, true},
			{"", "api.partner.microsoft.com.example", nil, false},
			{"", "partner.partnercenterapi.microsoftonline.cn", nil, false},
			{"china", "partner.partnercenterapi.microsoftonline.cn", nil, true},
			{"china", "api.partner.microsoft.com", nil, false},
			{"", "gateway.contoso.example", &auth.Options{Cloud: &gateway}, true},
			{"china", "gateway.contoso.example", &auth.Options{Cloud: &gateway}, true},
		} {
			s, err := auth.FromVariables(lookup(map[string]string{auth.EnvAccessToken: "token-1", auth.EnvCloud: c.cloud}), c.opts)
			if err != nil {
				t.Fatal(err)
			}
			resource := auth.GlobalCloud().Resources[0]
			if c.cloud == "china" && c.opts == nil {
				resource = auth.ChinaCloud().Resources[0]
			}
			_, err = closing(t, s).Token(t.Context(), auth.TokenRequest{Resource: resource, Host: c.host})
			if c.ok && err != nil || !c.ok && !errors.Is(err, auth.ErrWrongCloud) {
				t.Errorf("cloud %q, host %s: %v", c.cloud, c.host, err)
			}
		}
		if _, err := auth.FromVariables(lookup(map[string]string{auth.EnvAccessToken: "token-1", auth.EnvCloud: "moon"}), nil); err == nil || !strings.Contains(err.Error(), "usgovernment") {
			t.Errorf("an unknown cloud: %v", err)
		}
	})
	t.Run("authority of the options wins", func(t *testing.T) {
		srv := entra.New(directory())
		opts := local(srv)
		opts.Authority = auth.DefaultAuthority
		s, err := auth.FromVariables(lookup(with(auth.EnvClientSecret, secret, auth.EnvAuthority, "https://elsewhere.example")), opts)
		if err != nil {
			t.Fatal(err)
		}
		get(t, closing(t, s), auth.TokenRequest{})
		if host := srv.Requests()[0].Host; host != "login.microsoftonline.com" {
			t.Errorf("asked %q", host)
		}
	})
}

func TestEnvironmentThatMakesNone(t *testing.T) {
	for _, c := range []struct {
		set  []string
		want []string // variables that the error must name
	}{
		{[]string{auth.EnvTenantID}, []string{auth.EnvTenantID, auth.EnvClientSecret, auth.EnvUsername, auth.EnvPassword}},
		{[]string{auth.EnvAuthority}, []string{auth.EnvAuthority, auth.EnvClientSecret}},
		{[]string{auth.EnvTenantID, auth.EnvClientID}, []string{auth.EnvTenantID, auth.EnvClientID, auth.EnvClientSecret, auth.EnvUsername}},
		{[]string{auth.EnvClientSecret}, []string{auth.EnvTenantID, auth.EnvClientID}},
		{[]string{auth.EnvClientSecret, auth.EnvTenantID}, []string{auth.EnvClientID}},
		{[]string{auth.EnvTenantID, auth.EnvClientID, auth.EnvUsername}, []string{auth.EnvPassword}},
		{[]string{auth.EnvTenantID, auth.EnvClientID, auth.EnvPassword}, []string{auth.EnvUsername}},
		{[]string{auth.EnvUsername, auth.EnvPassword}, []string{auth.EnvTenantID, auth.EnvClientID}},
		{[]string{auth.EnvCloud}, []string{auth.EnvCloud, auth.EnvClientCertificatePath, auth.EnvFederatedTokenFile, auth.EnvRefreshTokenStore}},
		{[]string{auth.EnvTenantID, auth.EnvClientID, auth.EnvClientSecret, auth.EnvClientCertificatePath}, []string{auth.EnvClientSecret + " and " + auth.EnvClientCertificatePath}},
		{[]string{auth.EnvTenantID, auth.EnvClientID, auth.EnvFederatedTokenFile, auth.EnvClientCertificatePath}, []string{auth.EnvClientCertificatePath + " and " + auth.EnvFederatedTokenFile}},
		{[]string{auth.EnvTenantID, auth.EnvClientID, auth.EnvRefreshTokenStore, auth.EnvUsername, auth.EnvPassword}, []string{auth.EnvRefreshTokenStore + " and " + auth.EnvUsername}},
		{[]string{auth.EnvTenantID, auth.EnvClientID, auth.EnvRefreshTokenStore, auth.EnvPassword}, []string{auth.EnvRefreshTokenStore + " and " + auth.EnvPassword}},
		{[]string{auth.EnvTenantID, auth.EnvClientID, auth.EnvClientSecret, auth.EnvClientCertificatePassword}, []string{"not " + auth.EnvClientCertificatePath}},
		{[]string{auth.EnvTenantID, auth.EnvClientID, auth.EnvClientSendCertificateChain}, []string{"not " + auth.EnvClientCertificatePath}},
		{[]string{auth.EnvTenantID, auth.EnvClientID, auth.EnvClientSecret, auth.EnvRefreshTokenKey}, []string{"not " + auth.EnvRefreshTokenStore}},
		{[]string{auth.EnvRefreshTokenStore}, []string{auth.EnvTenantID, auth.EnvClientID}},
		{[]string{auth.EnvTenantID, auth.EnvFederatedTokenFile}, []string{"not " + auth.EnvClientID}},
		{[]string{auth.EnvAccessToken, auth.EnvClientSecret}, []string{auth.EnvAccessToken, auth.EnvClientSecret}},
		{[]string{auth.EnvAccessToken, auth.EnvAuthority, auth.EnvTenantID}, []string{auth.EnvAccessToken, auth.EnvAuthority, auth.EnvTenantID}},
	} {
		t.Run(strings.Join(c.set, " "), func(t *testing.T) {
			vars := map[string]string{}
			for i, name := range c.set {
				vars[name] = fmt.Sprintf("canary-%d", i)
			}
			_, err := auth.FromVariables(lookup(vars), nil)
			if err == nil || errors.Is(err, auth.ErrNoEnvironment) {
				t.Fatalf("got %v, want an error about the settings", err)
			}
			for _, name := range c.want {
				if !strings.Contains(err.Error(), name) {
					t.Errorf("%v does not name %s", err, name)
				}
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the error shows a value: %v", err)
			}
		})
	}
	for name, vars := range map[string]map[string]string{
		"token with Bearer":            {auth.EnvAccessToken: "Bearer x"},
		"token with line break":        {auth.EnvAccessToken: "x\n"},
		"unknown cloud":                {auth.EnvTenantID: tenantID, auth.EnvClientID: clientID, auth.EnvClientSecret: secret, auth.EnvCloud: "germany"},
		"store that is no directory":   {auth.EnvTenantID: tenantID, auth.EnvClientID: clientID, auth.EnvRefreshTokenStore: "redis://:canary@localhost"},
		"chain neither true nor false": {auth.EnvTenantID: tenantID, auth.EnvClientID: clientID, auth.EnvClientCertificatePath: "x", auth.EnvClientSendCertificateChain: "canary"},
		"no such certificate":          {auth.EnvTenantID: tenantID, auth.EnvClientID: clientID, auth.EnvClientCertificatePath: filepath.Join(t.TempDir(), "none")},
		"values that are wrong":        {auth.EnvTenantID: "a/b", auth.EnvClientID: clientID, auth.EnvClientSecret: secret},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := auth.FromVariables(lookup(vars), nil)
			if err == nil || !strings.Contains(err.Error(), "PARTNERCENTER_") || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v, want an error that names the variables", err)
			}
		})
	}
}

func TestStoresOfTheEnvironmentThatCannotBeOpened(t *testing.T) {
	broken := func(location string) (auth.TokenStore, error) {
		_, err := url.Parse(location + "\x7f") // whose error quotes all of it
		return nil, err
	}
	nothing := func(string) (auth.TokenStore, error) { return nil, nil } //nolint:nilnil // the mistake
	for _, c := range []struct {
		location string
		open     func(string) (auth.TokenStore, error)
		want     string
	}{
		{"redis://:canary@tokens.example", nil, "redisstore.New"},
		{"REDISS://:canary@tokens.example", nil, "redisstore.New"},
		{"postgres://app:canary@db.example/tokens", nil, "postgresstore.New"},
		{"https://canary.vault.azure.net", nil, "keyvaultstore.New"},
		{"keyring:canary", nil, "keyringstore.New"},
		{"etcd://canary", nil, "Options.OpenStore to a function that opens it, or"},
		{"file://canary.example/share", nil, "file:///var/lib"},
		{"file:///x?canary", nil, "file:///var/lib"},
		{"redis://:canary@tokens.example", broken, "opening the store"},
		{"redis://app:canary%21@tokens.example", broken, "opening the store"},
		{"redis://app:canary@bad host", broken, "opening the store"},
		{"redis://tokens.example", nothing, "Options.OpenStore has opened nothing"},
	} {
		vars := map[string]string{auth.EnvTenantID: tenantID, auth.EnvClientID: clientID, auth.EnvRefreshTokenStore: c.location}
		_, err := auth.FromVariables(lookup(vars), &auth.Options{OpenStore: c.open})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), auth.EnvRefreshTokenStore) {
			t.Errorf("%s: got %v, want an error about %s that says %q", c.location, err, auth.EnvRefreshTokenStore, c.want)
		} else if strings.Contains(err.Error(), "canary") {
			t.Errorf("the error shows the location: %v", err)
		}
	}
}

func TestNothingInTheEnvironment(t *testing.T) {
	for _, name := range []string{
		auth.EnvTenantID, auth.EnvClientID, auth.EnvClientSecret, auth.EnvUsername, auth.EnvPassword, auth.EnvAccessToken, auth.EnvAuthority,
		auth.EnvClientCertificatePath, auth.EnvClientCertificatePassword, auth.EnvClientSendCertificateChain, auth.EnvFederatedTokenFile,
		auth.EnvRefreshTokenStore, auth.EnvRefreshTokenKey, auth.EnvCloud,
	} {
		t.Setenv(name, "")
	}
	if _, err := auth.FromEnvironment(nil); !errors.Is(err, auth.ErrNoEnvironment) {
		t.Errorf("got %v, want ErrNoEnvironment", err)
	}
	t.Setenv(auth.EnvAccessToken, "token-1")
	s, err := auth.FromEnvironment(nil)
	if err != nil {
		t.Fatal(err)
	}
	want(t, closing(t, s), auth.TokenRequest{}, "token-1")
}
