package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/transport"
)

// DiagnoseOptions tunes [Diagnose]. The zero value, and a nil pointer, mean the defaults
// that each field describes.
type DiagnoseOptions struct {
	// APIs are the APIs to look at. Default: [PartnerAPIs].
	APIs []API
	// TenantID is passed on in the token requests, for sources that serve several
	// tenants. Default: the source's own tenant.
	TenantID string
	// SkipProbe leaves out the requests to the APIs: only tokens are looked at.
	SkipProbe bool
	// Transport sends the requests to the APIs. Default: that of the API packages.
	//
	// A Transport that records traffic sees bearer tokens.
	Transport http.RoundTripper
	// ShowUser lets the report name the user: sign-in name and object ID. By
	// default whatever looks like a sign-in name is replaced, so that the report
	// can be pasted into a ticket.
	ShowUser bool
}

// Diagnosis is what [Diagnose] has found. It holds no tokens and no secrets, and no names
// of users unless [DiagnoseOptions.ShowUser] was set: its String method and its JSON form
// can be given to others. Directory and application IDs are part of it.
type Diagnosis struct {
	// Time is when the diagnosis was made.
	Time time.Time `json:"time"`
	// Source describes the token source, empty if it does not describe itself.
	Source string `json:"source,omitempty"`
	// APIs are the findings for each API, in the order in which they were asked for.
	APIs []APIDiagnosis `json:"apis"`
}

// OK reports whether no API has a problem. Warnings and notes are none.
func (d *Diagnosis) OK() bool {
	for _, a := range d.APIs {
		if a.worst() == Problem {
			return false
		}
	}
	return true
}

// APIDiagnosis is what [Diagnose] has found for one API.
type APIDiagnosis struct {
	// API is what was looked at.
	API API `json:"api"`
	// Token is what the access token says; nil when there was none.
	Token *TokenFacts `json:"token,omitempty"`
	// Probe is what the API has answered; nil when it was not asked.
	Probe *ProbeResult `json:"probe,omitempty"`
	// Findings are what to know and what to do, the gravest first. An empty list
	// means that all is well.
	Findings []Finding `json:"findings"`
}

func (d APIDiagnosis) worst() Severity {
	worst := Note
	for _, f := range d.Findings {
		worst = max(worst, f.Severity)
	}
	return worst
}

// Severity says how grave a [Finding] is.
type Severity int

// Severities of findings.
const (
	// Note is something good to know.
	Note Severity = iota
	// Warning is something that may fail, or will before long.
	Warning
	// Problem is something that fails now.
	Problem
)

// String returns "note", "warning" or "problem".
func (s Severity) String() string {
	switch s {
	case Problem:
		return "problem"
	case Warning:
		return "warning"
	case Note:
		return "note"
	default:
		return fmt.Sprintf("Severity(%d)", int(s))
	}
}

// MarshalText implements [encoding.TextMarshaler] with String.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Finding is one thing that [Diagnose] has noticed.
type Finding struct {
	// Severity says how grave it is.
	Severity Severity `json:"severity"`
	// Text says what it is, in one sentence.
	Text string `json:"text"`
	// Advice says what to do about it; empty if nothing.
	Advice string `json:"advice,omitempty"`
}

// Diagnose finds out why a source's tokens do not work, or that they do: it asks src for a
// token for each API, compares what the token says with what the API expects, and, unless
// told otherwise, sends the API one harmless GET with the header ValidateMfa, whose answer
// shows whether the token is accepted and whether it proves multifactor authentication
// (https://learn.microsoft.com/partner-center/security/partner-security-requirements-mandating-mfa).
//
// What goes wrong on the way is part of the diagnosis. The error says only that the
// arguments are unusable or that ctx has ended. Nothing is changed anywhere, except that
// a source may renew its tokens as it always does.
//
// Access tokens are read without verifying them, and are meant for nobody but the API:
// programs should not act on their contents, people may.
func Diagnose(ctx context.Context, src TokenSource, opts *DiagnoseOptions) (*Diagnosis, error) {
	if src == nil {
		return nil, errors.New("auth: Diagnose was given a nil source")
	}
	o := DiagnoseOptions{}
	if opts != nil {
		o = *opts
	}
	if o.APIs == nil {
		o.APIs = PartnerAPIs()
	}
	for _, a := range o.APIs {
		if err := a.validate(); err != nil {
			return nil, err
		}
	}
	x := examiner{src: src, opts: o, now: time.Now(), had: map[wantedToken]hadToken{}}
	d := &Diagnosis{Time: x.now.UTC().Truncate(time.Second)}
	if s, ok := src.(fmt.Stringer); ok {
		d.Source = x.masked(tidy(s.String(), 200, nil))
	}
	for _, a := range o.APIs {
		found := x.examine(ctx, a)
		if ctx.Err() != nil {
			return nil, left(ctx)
		}
		d.APIs = append(d.APIs, found)
	}
	return d, nil
}

// examiner is the state of one diagnosis.
type examiner struct {
	src  TokenSource
	opts DiagnoseOptions
	now  time.Time
	had  map[wantedToken]hadToken
}

// wantedToken is what a source is asked for, and where the token will be sent.
type wantedToken struct{ resource, host string }

// hadToken is what a source has returned.
type hadToken struct {
	token Token
	err   error
}

// token asks the source once for each resource and host.
func (x *examiner) token(ctx context.Context, a API) (Token, error) {
	want := wantedToken{resource: a.Resource}
	if u, err := url.Parse(a.Endpoint); err == nil {
		want.host = transport.HostOf(u)
	}
	got, ok := x.had[want]
	if !ok {
		got.token, got.err = x.src.Token(ctx, TokenRequest{Resource: want.resource, TenantID: x.opts.TenantID, Host: want.host})
		if got.err == nil {
			got.err = usableToken(got.token)
		}
		x.had[want] = got
	}
	return got.token, got.err
}

// examine looks at one API.
func (x *examiner) examine(ctx context.Context, a API) APIDiagnosis {
	d := APIDiagnosis{API: a}
	tok, err := x.token(ctx, a)
	if err != nil {
		d.Findings = []Finding{x.noToken(err)}
		return d
	}
	said := readToken(tok)
	d.Token = said.shown(x.opts.ShowUser)
	if !x.opts.SkipProbe && a.ProbePath != "" {
		d.Probe = x.probe(ctx, a, tok, said)
	}
	d.Findings = x.assess(a, tok, said, d.Probe)
	return d
}

// noToken describes a source's failure.
func (x *examiner) noToken(err error) Finding {
	f := Finding{Severity: Problem, Text: "no token: " + tidy(err.Error(), 600, nil), Advice: Explain(err)}
	if e, ok := errors.AsType[*Error](err); ok {
		bare := *e
		bare.Advice = "" // which is not to be said twice
		f.Text = "no token: " + tidy(bare.Error(), 600, nil)
	}
	f.Text, f.Advice = x.masked(f.Text), x.masked(f.Advice)
	return f
}
