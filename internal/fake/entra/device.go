package entra

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
)

// device is a device code that the server has given out.
type device struct {
	leg
	clientID string
	tenant   string // as written in the path
	userCode string
	expires  time.Time
	interval time.Duration
	asked    time.Time // last; the first question may come at once
	upn      string    // who has approved
	amr      []string
	declined bool
	redeemed bool
}

// deviceCode begins the device flow:
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code.
func (s *Server) deviceCode(r *http.Request, t target) response {
	s.mu.Lock()
	defer s.mu.Unlock()
	refuse := func(e *OAuthError) response { return e.response(s.now(), r.Header.Get("client-request-id")) }
	q := &tokenRequest{form: r.PostForm, version: 2, base: origin(r)}
	if _, found := s.lookupTenant(t.tenant); !found && !multiTenant(t.tenant) {
		return refuse(unknownTenant(t.tenant))
	}
	if e := s.authenticateApp(r, q); e != nil {
		return refuse(e)
	}
	if e := q.requireApp(); e != nil {
		return refuse(e)
	}
	if e := s.findResource(q); e != nil {
		return refuse(e)
	}
	d := &device{
		leg: leg{resource: q.res, scopes: q.scopes}, clientID: q.app.ClientID, tenant: t.tenant, userCode: strings.ToUpper(strings.ReplaceAll(uuid.NewString(), "-", "")[:9]),
		expires: s.now().Add(s.cfg.DeviceLifetime), interval: s.cfg.DeviceInterval,
	}
	code := "0.device-" + uuid.NewString() + uuid.NewString()
	now := s.now()
	prune(s.devices, func(d *device) bool { return d.expires.Add(remembered).Before(now) })
	s.devices[code] = d
	verify := q.base + "/common/oauth2/deviceauth"
	return ok(map[string]any{
		"user_code": d.userCode, "device_code": code, "verification_uri": verify,
		"expires_in": int(s.cfg.DeviceLifetime / time.Second), "interval": int(s.cfg.DeviceInterval / time.Second),
		"message": "To sign in, use a web browser to open the page " + verify + " and enter the code " + d.userCode + " to authenticate.",
	})
}

// ApproveDevice is a user who enters the code on the verification page and signs in, with
// a second factor if the account has one.
func (s *Server) ApproveDevice(userCode, upn string) error {
	return s.decideDevice(userCode, func(d *device) error {
		u := s.users[strings.ToLower(upn)]
		if u == nil {
			return errors.New("entra: no user " + upn)
		}
		d.upn, d.amr = u.UPN, u.AMR
		if u.RequireMFA {
			d.amr = withMFA(u.AMR)
		}
		return nil
	})
}

// DeclineDevice is a user who enters the code and cancels.
func (s *Server) DeclineDevice(userCode string) error {
	return s.decideDevice(userCode, func(d *device) error { d.declined = true; return nil })
}

func (s *Server) decideDevice(userCode string, decide func(*device) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.waiting(userCode); d != nil {
		return decide(d)
	}
	return errors.New("entra: no device waits with the code " + userCode)
}

// waiting finds the device that shows a code and that nobody has decided about, nil if
// there is none; the lock is held.
func (s *Server) waiting(userCode string) *device {
	for _, d := range s.devices {
		if d.userCode == userCode && d.upn == "" && !d.declined && s.now().Before(d.expires) {
			return d
		}
	}
	return nil
}

// verifyDevice is the page at which users enter the code that their device shows. With a
// good one the sign-in begins, which ends by telling the device rather than by going back
// to an application.
func (s *Server) verifyDevice(r *http.Request) response {
	if r.Method != http.MethodPost {
		return devicePage("")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.waiting(strings.ToUpper(strings.TrimSpace(r.PostForm.Get("user_code"))))
	if d == nil {
		return devicePage("No device waits with this code. Perhaps it has expired: let the device ask for a new one.")
	}
	in := &signIn{tenant: d.tenant, base: origin(r), app: s.apps[strings.ToLower(d.clientID)], leg: d.leg, device: d}
	s.remain(in)
	return in.passwordPage("")
}

// decide ends the sign-in of a device.
func (d *device) decide(in *signIn, declined bool) response {
	if declined {
		d.declined = true
		return donePage("You have declined", "The device has not been signed in. You may close this window.")
	}
	d.upn, d.amr = in.upn, in.amr
	return donePage("You have signed in", "You may close this window and go on with the device.")
}

// redeemDevice answers the question whether the user has approved. A client that asks
// sooner than it was told gets slow_down and has to wait five seconds longer each time
// from then on (RFC 8628, 3.5).
func redeemDevice(s *Server, q *tokenRequest) (map[string]any, *OAuthError) {
	if e := q.requireApp(); e != nil {
		return nil, e
	}
	d := s.devices[q.form.Get("device_code")]
	now := s.now()
	if d == nil || !strings.EqualFold(d.clientID, q.app.ClientID) {
		return nil, &OAuthError{Code: "bad_verification_code", STS: 70018, Text: "The device code is not known."}
	}
	tooSoon := now.Sub(d.asked) < d.interval
	d.asked = now
	switch {
	case !now.Before(d.expires):
		return nil, &OAuthError{Code: "expired_token", STS: 70020, Text: "The device code has expired."}
	case d.redeemed:
		return nil, &OAuthError{Code: "invalid_grant", STS: 54005, Text: "The device code was already redeemed."}
	case tooSoon:
		d.interval += 5 * time.Second
		return nil, &OAuthError{Code: "slow_down", STS: 70021, Text: "The client asks too often."}
	case d.declined:
		return nil, &OAuthError{Code: "authorization_declined", STS: 70017, Text: "The user declined the request."}
	case d.upn == "":
		return nil, &OAuthError{Code: "authorization_pending", STS: 70016, Text: "The user has not signed in yet."}
	}
	u := s.users[strings.ToLower(d.upn)]
	if u == nil {
		return nil, &OAuthError{Code: "invalid_grant", STS: 50034, Text: "There is no such account in the directory."}
	}
	d.redeemed = true
	user := u.User
	user.AMR = d.amr
	tenantID := q.tenant
	if tenantID == "" {
		tenantID = s.tenants[strings.ToLower(u.TenantID)].ID
	}
	return s.respond(q, tenantID, &user), nil
}
