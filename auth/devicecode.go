package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

// DeviceCode is what a user needs to sign in on another device.
type DeviceCode struct {
	// UserCode is what the user types in. It is meant for one person's eyes: whoever
	// else signs in with it signs in for this program.
	UserCode string
	// VerificationURL is the page to type it in at.
	VerificationURL string
	// Message is the service's text for the user, in which both occur.
	Message string
	// ExpiresOn is when the code stops working.
	ExpiresOn time.Time
}

// ShowDeviceCode shows a device code to the user, for example on the terminal. It must not
// wait for the user; its error ends the sign-in.
type ShowDeviceCode func(ctx context.Context, code DeviceCode) error

// Intervals of RFC 8628, sections 3.2 and 3.5.
const (
	defaultInterval = 5 * time.Second
	slowDown        = 5 * time.Second
)

// SignInWithDeviceCode lets a user sign in on another device, for programs on machines
// without a browser
// (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code). It asks for a
// code, has it shown, waits until the user has entered it somewhere and signed in, and saves
// the refresh token before it reports success. The App must be a public client: its
// Credential is nil, and the registration allows public client flows.
//
// It asks as often as the service permits and waits longer whenever the service says so or
// cannot be reached. The error matches [ErrDenied] when the user declines,
// [ErrSignInExpired] when the code has expired, which is usually after 15 minutes, and
// [ErrNotSaved] when the store failed. It ends at once with ctx, unless the user has already
// signed in: then the refresh token is still saved.
func SignInWithDeviceCode(ctx context.Context, signIn SignIn, show ShowDeviceCode, opts *Options) (SignedIn, error) {
	s, err := opts.resolve()
	if err != nil {
		return SignedIn{}, err
	}
	if err := signIn.validate(); err != nil {
		return SignedIn{}, err
	}
	if err := permits(s.Cloud, signIn.Resource); err != nil {
		return SignedIn{}, err
	}
	switch {
	case signIn.App.Credential != nil:
		return SignedIn{}, errors.New("auth: device codes are for public clients; leave SignIn.App.Credential nil, or use NewConsent")
	case show == nil:
		return SignedIn{}, errors.New("auth: SignInWithDeviceCode was given no function that shows the code to the user")
	}
	d := &deviceFlow{client: newClient(signIn.App, s, false), signIn: signIn, x: newExchange()}
	return d.run(ctx, show)
}

// deviceFlow is one sign-in with a device code.
type deviceFlow struct {
	*client
	signIn SignIn
	x      *exchange
}

func (d *deviceFlow) run(ctx context.Context, show ShowDeviceCode) (SignedIn, error) {
	if err := d.signIn.prepare(ctx); err != nil {
		return SignedIn{}, err
	}
	code, err := d.begin(ctx)
	if err != nil {
		return SignedIn{}, err
	}
	if err := show(ctx, DeviceCode{
		UserCode: code.Result.UserCode, VerificationURL: code.Result.VerificationURL,
		Message: code.Result.Message, ExpiresOn: code.Result.ExpiresOn,
	}); err != nil {
		return SignedIn{}, fmt.Errorf("auth: showing the device code: %w", scrubbed(err))
	}
	o, err := d.poll(ctx, code)
	if err != nil {
		return SignedIn{}, err
	}
	saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.wire.Timeout)
	defer cancel()
	if err := d.signIn.keep(saving, o); err != nil {
		return SignedIn{}, err
	}
	d.wire.Logger.InfoContext(ctx, "user signed in, refresh token saved",
		"key", d.signIn.Key, "tenant", o.signedIn.TenantID, "client_id", d.app.ClientID, "amr", o.signedIn.AMR)
	return o.signedIn, nil
}

// begin asks for a code.
func (d *deviceFlow) begin(ctx context.Context) (public.DeviceCode, error) {
	m, err := d.public()
	if err != nil {
		return public.DeviceCode{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, d.wire.Timeout)
	defer cancel()
	var opts []public.AcquireByDeviceCodeOption
	if d.signIn.Claims != "" {
		opts = append(opts, public.WithClaims(d.signIn.Claims))
	}
	code, err := m.AcquireTokenByDeviceCode(d.x.attach(ctx), []string{d.signIn.Resource + "/.default"}, opts...)
	if err != nil {
		return code, d.failed(err)
	}
	return code, nil
}

// poll asks again and again whether the user has signed in. MSAL's own loop would begin
// after 50 ms and heed neither the interval nor slow_down; but it ends with the first error
// that it does not know, and the HTTP layer turns every refusal into one. So each call is
// one question, and the pace is ours.
func (d *deviceFlow) poll(ctx context.Context, code public.DeviceCode) (*outcome, error) {
	interval := time.Duration(code.Result.Interval) * time.Second
	if interval <= 0 {
		interval = defaultInterval
	}
	for {
		if time.Until(code.Result.ExpiresOn) <= interval {
			pause(ctx, time.Until(code.Result.ExpiresOn))
		} else {
			pause(ctx, interval)
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("auth: waiting for the user to sign in: %w", context.Cause(ctx))
		}
		if !time.Now().Before(code.Result.ExpiresOn) {
			return nil, d.told(&Error{Kind: KindSignInExpired, Description: "the user did not enter the device code in time"})
		}
		o, err := d.ask(ctx, code)
		if err == nil {
			return o, nil
		}
		e, ok := errors.AsType[*Error](err)
		switch {
		case !ok:
			return nil, err
		case ctx.Err() != nil:
			return nil, fmt.Errorf("auth: waiting for the user to sign in: %w", context.Cause(ctx))
		case e.Code == "authorization_pending":
		case e.Code == "slow_down":
			interval += slowDown
		case e.Kind == KindTransient:
			interval = max(interval+slowDown, e.RetryAfter)
		default:
			return nil, err
		}
	}
}

// ask asks once whether the user has signed in.
func (d *deviceFlow) ask(ctx context.Context, code public.DeviceCode) (*outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, d.wire.Timeout)
	defer cancel()
	ar, err := code.AuthenticationResult(d.x.attach(ctx))
	if err != nil {
		return nil, d.failed(err)
	}
	tok, err := d.result(d.x, TokenRequest{Resource: d.signIn.Resource}, ar, nil)
	if err != nil {
		return nil, err
	}
	return d.signIn.newOutcome(d.client, d.x, ar, tok)
}

// failed makes an error of this package of what MSAL says.
func (d *deviceFlow) failed(err error) error {
	_, err = d.result(d.x, TokenRequest{Resource: d.signIn.Resource}, confidential.AuthResult{}, err)
	return err
}

// told completes an error with what the sign-in was for.
func (d *deviceFlow) told(e *Error) error {
	e.ClientID, e.TenantID, e.Resource = d.app.ClientID, d.app.TenantID, d.signIn.Resource
	e.Advice = e.Kind.advice()
	return e
}
