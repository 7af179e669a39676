package entra

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	pc "github.com/partnercenter-go/partnercenter"
)

// signIn is a user's way through the sign-in pages.
type signIn struct {
	leg
	id        string
	tenant    string // as written in the path
	base      string
	app       App
	redirect  string
	mode      string // of the response: query, fragment or form_post
	state     string
	prompt    string
	hint      string
	challenge string
	method    string // of the challenge
	offline   bool
	device    *device // that is signed in; nil: the application itself
	began     time.Time

	upn string   // once the password was right
	amr []string // once known
	mfa bool     // the second factor is still to come
}

// authCode is an authorization code that the server has given out.
type authCode struct {
	signIn   *signIn
	tenantID string
	issuedOn time.Time
	redeemed bool
}

// authorize shows the first page of a sign-in.
func (s *Server) authorize(r *http.Request, t target) response {
	s.mu.Lock()
	defer s.mu.Unlock()
	in, e := s.beginSignIn(r.URL.Query(), t, origin(r))
	if e != nil {
		return errorPage(e)
	}
	if in.prompt == "none" {
		return in.refuse("login_required", 50058, "Nobody is signed in.", "")
	}
	s.remain(in)
	return in.passwordPage("")
}

// remain keeps a sign-in for its next page; the lock is held.
func (s *Server) remain(in *signIn) {
	in.id, in.began = uuid.NewString(), s.now()
	prune(s.signIns, func(old *signIn) bool { return old.began.Add(remembered).Before(in.began) })
	s.signIns[in.id] = in
}

// remembered is how long at least what is over is known, so that whoever comes late is
// told that it is.
const remembered = 24 * time.Hour

// prune forgets what is old once there is much: a server may run for months.
func prune[V any](m map[string]V, old func(V) bool) {
	if n := len(m); n >= 1024 && n%256 == 0 {
		maps.DeleteFunc(m, func(_ string, v V) bool { return old(v) })
	}
}

// beginSignIn checks an authorization request: what is wrong with the application or its
// redirect URI is shown to the user and never redirected; the lock is held.
func (s *Server) beginSignIn(q url.Values, t target, base string) (*signIn, *OAuthError) {
	tenant := t.tenant
	if _, found := s.lookupTenant(tenant); !found && !multiTenant(tenant) {
		return nil, unknownTenant(tenant)
	}
	app, found := s.apps[strings.ToLower(q.Get("client_id"))]
	if !found {
		return nil, &OAuthError{Code: "unauthorized_client", STS: 700016, Text: "The application '" + q.Get("client_id") + "' is not known in this tenant."}
	}
	redirect := q.Get("redirect_uri")
	if !slices.ContainsFunc(app.RedirectURIs, func(known string) bool { return sameRedirect(known, redirect) }) {
		return nil, &OAuthError{Code: "invalid_request", STS: 50011, Text: "The redirect URI '" + redirect + "' is not one of the application's."}
	}
	in := &signIn{
		tenant: tenant, base: base, app: app, redirect: redirect,
		mode: q.Get("response_mode"), state: q.Get("state"), prompt: q.Get("prompt"), hint: q.Get("login_hint"),
		challenge: q.Get("code_challenge"), method: q.Get("code_challenge_method"),
	}
	token := &tokenRequest{form: q, version: t.version}
	if e := s.findResource(token); e != nil {
		return nil, e
	}
	in.leg = leg{token.res, token.scopes, q.Get("nonce")}
	in.offline = token.wants("offline_access")
	switch {
	case q.Get("response_type") != "code":
		return nil, &OAuthError{Code: "unsupported_response_type", STS: 700054, Text: "The response_type must be code."}
	case in.challenge != "" && in.method != "S256" && in.method != "plain" && in.method != "":
		return nil, &OAuthError{Code: "invalid_request", STS: 9002313, Text: "The code_challenge_method is not supported."}
	case in.mode == "":
		in.mode = "query"
	case in.mode != "query" && in.mode != "fragment" && in.mode != "form_post":
		return nil, &OAuthError{Code: "invalid_request", STS: 900144, Text: "The response_mode is not supported."}
	}
	return in, nil
}

// sameRedirect compares redirect URIs; on loopback the port is the client's choice:
// https://learn.microsoft.com/entra/identity-platform/reply-url#localhost-exceptions.
func sameRedirect(known, given string) bool {
	a, errA := url.Parse(known)
	b, errB := url.Parse(given)
	if errA != nil || errB != nil || b.Fragment != "" {
		return false
	}
	if a.Scheme == "http" && a.Hostname() == "localhost" {
		slash := func(p string) string { return "/" + strings.TrimPrefix(p, "/") }
		return b.Scheme == "http" && b.Hostname() == "localhost" && slash(a.Path) == slash(b.Path) && a.RawQuery == b.RawQuery
	}
	return known == given
}

// login answers the forms of the sign-in pages.
func (s *Server) login(r *http.Request, t target) response {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := r.PostForm
	in := s.signIns[f.Get("session")]
	if r.Method != http.MethodPost || in == nil || in.tenant != t.tenant {
		return errorPage(&OAuthError{Code: "invalid_request", STS: 165000, Text: "The sign-in is over or has never begun."})
	}
	action := f.Get("action")
	switch {
	case action == "cancel":
		delete(s.signIns, in.id)
		if in.device != nil {
			return in.device.decide(in, true)
		}
		return in.refuse("access_denied", 65004, "The user declined to consent to access the app.", "cancel")
	case action == "password":
		if e := s.checkPassword(in, f.Get("username"), f.Get("password")); e != nil {
			return in.passwordPage(e.Text)
		}
		if in.mfa {
			return in.codePage("")
		}
	case action == "code" && in.upn != "":
		u := s.users[strings.ToLower(in.upn)]
		if u == nil || f.Get("code") != u.MFACode {
			return in.codePage("The code is wrong.")
		}
		in.amr, in.mfa = withMFA(u.AMR), false
	case action == "accept" && in.upn != "" && !in.mfa:
		s.consents[in.upn+" "+in.app.ClientID] = true
		in.prompt = ""
	default:
		return errorPage(&OAuthError{Code: "invalid_request", STS: 165000, Text: "The form does not belong here."})
	}
	if in.prompt == "consent" || !s.consents[in.upn+" "+in.app.ClientID] {
		return in.consentPage()
	}
	delete(s.signIns, in.id)
	if in.device != nil {
		return in.device.decide(in, false)
	}
	return in.answer(url.Values{"code": {s.newCode(in)}, "session_state": {uuid.NewString()}})
}

func withMFA(amr []string) []string {
	if slices.Contains(amr, "mfa") {
		return slices.Clone(amr)
	}
	return append(slices.Clone(amr), "mfa")
}

// checkPassword is the first step of a sign-in; the lock is held.
func (s *Server) checkPassword(in *signIn, upn, password string) *OAuthError {
	wrong := &OAuthError{Code: "invalid_grant", STS: 50126, Text: "The user name or the password is wrong."}
	u := s.users[strings.ToLower(upn)]
	if u == nil || !pc.NewSecret(password).Equal(u.Password) {
		return wrong
	}
	if !multiTenant(in.tenant) && !s.sameTenant(in.tenant, u.TenantID) {
		return wrong
	}
	in.upn, in.amr, in.mfa = u.UPN, slices.Clone(u.AMR), u.RequireMFA
	return nil
}

// newCode makes an authorization code; the lock is held.
func (s *Server) newCode(in *signIn) string {
	tenant := in.tenant
	if multiTenant(tenant) {
		tenant = s.users[strings.ToLower(in.upn)].TenantID
	}
	known, _ := s.lookupTenant(tenant)
	code := "0.code-" + uuid.NewString() + uuid.NewString()
	now := s.now()
	prune(s.codes, func(c *authCode) bool { return c.issuedOn.Add(s.cfg.CodeLifetime + remembered).Before(now) })
	s.codes[code] = &authCode{signIn: in, tenantID: known.ID, issuedOn: now}
	return code
}

// refuse sends the user back with an error.
func (in *signIn) refuse(code string, sts int, text, subcode string) response {
	v := url.Values{"error": {code}, "error_description": {fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s",
		sts, text, uuid.NewString(), uuid.NewString(), time.Now().UTC().Format("2006-01-02 15:04:05Z"))}}
	if subcode != "" {
		v.Set("error_subcode", subcode)
	}
	return in.answer(v)
}

// answer sends the user back to the application.
func (in *signIn) answer(v url.Values) response {
	if in.state != "" {
		v.Set("state", in.state)
	}
	switch in.mode {
	case "form_post":
		return in.postPage(v)
	case "fragment":
		return response{status: http.StatusFound, header: http.Header{"Location": {in.redirect + "#" + v.Encode()}}}
	}
	separator := "?"
	if strings.Contains(in.redirect, "?") {
		separator = "&"
	}
	return response{status: http.StatusFound, header: http.Header{"Location": {in.redirect + separator + v.Encode()}}}
}

// Decision is what a user does on the sign-in pages.
type Decision struct {
	// UPN is the user, whose password and second factor are right.
	UPN string
	// WithoutMFA skips the second factor although the user has one, as a policy
	// that does not ask for it does.
	WithoutMFA bool
	// Deny cancels instead of consenting.
	Deny bool
}

// Visit goes through the sign-in pages at an authorization URL without a browser and
// returns the URL that the user is sent back to, whatever the response mode.
func (s *Server) Visit(authorizeURL string, d Decision) (string, error) {
	u, err := url.Parse(authorizeURL)
	if err != nil {
		return "", err
	}
	at := route(&http.Request{URL: u})
	if at.endpoint != Authorize {
		return "", errors.New("entra: not an authorization URL: " + u.Path)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	in, e := s.beginSignIn(u.Query(), at, u.Scheme+"://"+u.Host)
	if e != nil {
		return "", fmt.Errorf("entra: AADSTS%d: %s", e.STS, e.Text)
	}
	in.mode = "query"
	if d.Deny {
		return in.refuse("access_denied", 65004, "The user declined to consent to access the app.", "cancel").header.Get("Location"), nil
	}
	user := s.users[strings.ToLower(d.UPN)]
	if user == nil {
		return "", errors.New("entra: no user " + d.UPN)
	}
	in.upn, in.amr = user.UPN, slices.Clone(user.AMR)
	if user.RequireMFA && !d.WithoutMFA {
		in.amr = withMFA(in.amr)
	}
	s.consents[in.upn+" "+in.app.ClientID] = true
	return in.answer(url.Values{"code": {s.newCode(in)}}).header.Get("Location"), nil
}

// redeemCode is the authorization code grant:
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow.
func redeemCode(s *Server, q *tokenRequest) (map[string]any, *OAuthError) {
	refuse := func(code int, text string) (map[string]any, *OAuthError) {
		return nil, &OAuthError{Code: "invalid_grant", STS: code, Text: text}
	}
	if e := q.requireApp(); e != nil {
		return nil, e
	}
	c := s.codes[q.form.Get("code")]
	if c == nil {
		return refuse(70000, "The authorization code is malformed or unknown.")
	}
	in := c.signIn
	verifier := q.form.Get("code_verifier")
	switch {
	case !strings.EqualFold(in.app.ClientID, q.app.ClientID):
		return refuse(70000, "The authorization code was issued to another application.")
	case c.redeemed:
		return refuse(54005, "The authorization code was already redeemed, start again with a new one.")
	case s.now().Sub(c.issuedOn) > s.cfg.CodeLifetime:
		return refuse(70008, "The authorization code has expired.")
	case q.form.Get("redirect_uri") != in.redirect:
		return refuse(500112, "The redirect URI is not the one of the authorization request.")
	case in.challenge != "" && verifier == "":
		return refuse(50148, "The code_verifier is missing.")
	case in.challenge != "" && !in.verified(verifier):
		return refuse(501481, "The code_verifier does not match the code_challenge of the authorization request.")
	}
	u := s.users[strings.ToLower(in.upn)]
	if u == nil {
		return refuse(50034, "There is no such account in the directory.")
	}
	c.redeemed = true
	user := u.User
	user.AMR = in.amr
	fields := s.respond(q, c.tenantID, &user)
	if !in.offline {
		delete(fields, "refresh_token") // it was not consented to
	}
	return fields, nil
}

// verified checks the proof key of RFC 7636.
func (in *signIn) verified(verifier string) bool {
	if in.method != "S256" {
		return verifier == in.challenge
	}
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:]) == in.challenge
}
