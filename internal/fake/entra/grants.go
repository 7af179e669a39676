package entra

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	pc "github.com/partnercenter-go/partnercenter"
)

// tokenRequest is a parsed request at the token endpoint.
type tokenRequest struct {
	form    url.Values
	version int    // of the endpoint
	base    string // scheme and host
	tenant  string // id, empty at /common and /organizations
	app     App
	proven  bool // the application has shown a credential
	res     Resource
	scopes  []string // as asked for, in v2
	begun   *leg     // of the flows that a user has begun before; nil: the others
}

// leg is what the first request of a flow in two has asked for. The second need not say
// it again: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code does
// not, and in https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
// its scope is optional.
type leg struct {
	resource Resource
	scopes   []string
	nonce    string // for the id token
}

// beginning finds the first leg of the flow that a request ends; an unknown one, which the
// grant refuses, has asked for nothing. The lock is held.
func (s *Server) beginning(grant string, form url.Values) *leg {
	switch grant {
	case "authorization_code":
		if c := s.codes[form.Get("code")]; c != nil {
			return &c.signIn.leg
		}
		return new(leg)
	case "device_code", "urn:ietf:params:oauth:grant-type:device_code":
		if d := s.devices[form.Get("device_code")]; d != nil {
			return &d.leg
		}
		return new(leg)
	}
	return nil
}

func (q *tokenRequest) wants(scope string) bool {
	for _, s := range q.scopes {
		if strings.EqualFold(s, scope) {
			return true
		}
	}
	// The v1 endpoint has no scopes and always hands out what the flow allows.
	return q.version == 1
}

// grantFunc carries out a grant; the server's lock is held.
type grantFunc func(*Server, *tokenRequest) (map[string]any, *OAuthError)

// grantFor finds the grant's implementation. Further flows are entered here.
func grantFor(name string) grantFunc {
	switch name {
	case "client_credentials":
		return clientCredentials
	case "password":
		return password
	case "refresh_token":
		return redeem
	case "authorization_code":
		return redeemCode
	case "device_code", "urn:ietf:params:oauth:grant-type:device_code":
		return redeemDevice
	}
	return nil
}

// token answers a request at the token endpoint.
func (s *Server) token(r *http.Request, t target, rec *Request) response {
	refuse := func(e *OAuthError) response { return e.response(s.now(), r.Header.Get("client-request-id")) }
	if r.Method != http.MethodPost {
		return refuse(&OAuthError{Code: "invalid_request", STS: 900561, Text: "The token endpoint accepts POST requests only."})
	}
	q := &tokenRequest{form: r.PostForm, version: t.version, base: origin(r)}
	grant := grantFor(rec.GrantType)
	if grant == nil {
		return refuse(&OAuthError{Code: "unsupported_grant_type", STS: 70003, Text: "The grant type is missing or not supported."})
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	if !multiTenant(t.tenant) {
		tenant, found := s.lookupTenant(t.tenant)
		if !found {
			return refuse(unknownTenant(t.tenant))
		}
		q.tenant = tenant.ID
	}
	if e := s.authenticateApp(r, q); e != nil {
		return refuse(e)
	}
	q.begun = s.beginning(rec.GrantType, q.form)
	if e := s.findResource(q); e != nil {
		return refuse(e)
	}
	fields, e := grant(s, q)
	if e != nil {
		return refuse(e)
	}
	return ok(fields)
}

// authenticateApp finds the application and checks the credential it shows, if any.
func (s *Server) authenticateApp(r *http.Request, q *tokenRequest) *OAuthError {
	id, secret := q.form.Get("client_id"), q.form.Get("client_secret")
	if user, pass, found := r.BasicAuth(); found {
		// Both parts are form-encoded inside the header (RFC 6749, 2.3.1).
		id, _ = url.QueryUnescape(user)
		secret, _ = url.QueryUnescape(pass)
	}
	app, found := s.apps[strings.ToLower(id)]
	if !found || app.TenantID != "" && q.tenant != "" && !s.sameTenant(app.TenantID, q.tenant) {
		return &OAuthError{Code: "unauthorized_client", STS: 700016, Text: "The application '" + id + "' is not known in this tenant."}
	}
	q.app = app
	if q.form.Has("client_assertion") {
		if secret != "" {
			return &OAuthError{Code: "invalid_request", STS: 90014, Text: "The request has both client_secret and client_assertion."}
		}
		return s.checkAssertion(q, q.base+r.URL.Path)
	}
	if secret == "" {
		return nil
	}
	given := pc.NewSecret(secret)
	for _, known := range app.Secrets {
		if !given.Equal(known.Value) {
			continue
		}
		if !known.ExpiresOn.IsZero() && !s.now().Before(known.ExpiresOn) {
			return &OAuthError{Code: "invalid_client", STS: 7000222, Text: "The client secret of application '" + id + "' has expired."}
		}
		q.proven = true
		return nil
	}
	return &OAuthError{Code: "invalid_client", STS: 7000215, Text: "The client secret of application '" + id + "' is wrong; its value is needed, not its id."}
}

func (s *Server) sameTenant(a, b string) bool {
	ta, okA := s.lookupTenant(a)
	tb, okB := s.lookupTenant(b)
	return okA && okB && strings.EqualFold(ta.ID, tb.ID)
}

// findResource reads which API the token is for.
func (s *Server) findResource(q *tokenRequest) *OAuthError {
	audience := q.form.Get("resource")
	if q.version == 2 {
		q.scopes = strings.Fields(q.form.Get("scope"))
		for _, sc := range q.scopes {
			if a, found := strings.CutSuffix(sc, "/.default"); found && audience == "" {
				audience = a
			}
		}
		if audience == "" && q.begun == nil {
			return &OAuthError{Code: "invalid_scope", STS: 70011, Text: "The scope names no resource; it must end in /.default."}
		}
	}
	if audience == "" && q.begun != nil {
		q.res = q.begun.resource
		if len(q.scopes) == 0 {
			q.scopes = q.begun.scopes
		}
		return nil
	}
	if audience == "" {
		return &OAuthError{Code: "invalid_request", STS: 900144, Text: "The request body must contain the parameter 'resource'."}
	}
	res, found := s.resources[strings.ToLower(audience)]
	if !found {
		return &OAuthError{Code: "invalid_resource", STS: 500011, Text: "The resource principal '" + audience + "' was not found in the tenant."}
	}
	q.res = res
	return nil
}

// requireApp is the check of the grants that public clients may use: the
// application has shown a credential or needs none.
func (q *tokenRequest) requireApp() *OAuthError {
	if q.proven || q.app.PublicClient {
		return nil
	}
	return missingCredential()
}

func missingCredential() *OAuthError {
	return &OAuthError{Code: "invalid_client", STS: 7000218, Text: "The request body must contain 'client_assertion' or 'client_secret'."}
}

// respond makes the success answer and the tokens in it; the lock is held. The user
// is nil for app-only tokens.
func (s *Server) respond(q *tokenRequest, tenantID string, user *User) map[string]any {
	life := s.cfg.TokenLifetime
	access, claims := s.mint(tenantID, q.app, user, q.res, life, q.base)
	seconds := int(life / time.Second)
	out := map[string]any{"token_type": "Bearer", "access_token": access}
	if q.version == 1 {
		out["expires_in"] = strconv.Itoa(seconds)
		out["ext_expires_in"] = strconv.Itoa(seconds)
		out["expires_on"] = strconv.FormatInt(claims.ExpiresOn.Unix(), 10)
		out["not_before"] = strconv.FormatInt(claims.IssuedAt.Unix(), 10)
		out["resource"] = q.res.Audience
	} else {
		out["expires_in"] = seconds
		out["ext_expires_in"] = seconds
	}
	if s.cfg.RefreshIn > 0 {
		out["refresh_in"] = int(s.cfg.RefreshIn / time.Second)
	}
	if user != nil {
		maps.Copy(out, s.userFields(q, tenantID, user, claims))
	}
	return out
}

// userFields are the parts of an answer that only user flows have.
func (s *Server) userFields(q *tokenRequest, tenantID string, user *User, claims Claims) map[string]any {
	out := map[string]any{}
	scopes := make([]string, 0, len(claims.Scopes)+1)
	for _, sc := range claims.Scopes {
		scopes = append(scopes, q.res.Audience+"/"+sc)
	}
	if q.version == 2 {
		// The platform echoes the .default it was asked for.
		scopes = append(scopes, q.res.Audience+"/.default")
	}
	out["scope"] = strings.Join(scopes, " ")
	if q.form.Get("client_info") == "1" {
		b, _ := json.Marshal(map[string]string{"uid": user.ObjectID, "utid": user.TenantID})
		out["client_info"] = base64.RawURLEncoding.EncodeToString(b)
	}
	if q.wants("openid") {
		id := map[string]any{
			"aud": q.app.ClientID, "iss": q.base + "/" + tenantID + "/v2.0", "tid": tenantID, "ver": "2.0",
			"sub": user.ObjectID, "oid": user.ObjectID, "preferred_username": user.UPN, "name": user.UPN,
			"iat": claims.IssuedAt.Unix(), "nbf": claims.IssuedAt.Unix(), "exp": claims.ExpiresOn.Unix(),
		}
		if q.begun != nil && q.begun.nonce != "" {
			id["nonce"] = q.begun.nonce // clients compare it with the one that they have sent
		}
		out["id_token"] = sign(s.key(), id)
	}
	if q.wants("offline_access") {
		out["refresh_token"] = s.newRefreshToken(q.app.ClientID, user.UPN, user.AMR)
	}
	return out
}
