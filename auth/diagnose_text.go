package auth

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// String returns the report for people, over several lines.
func (d *Diagnosis) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "sign-in report of %s\n", utcStamp(d.Time))
	if d.Source != "" {
		fmt.Fprintf(&b, "source: %s\n", d.Source)
	}
	for _, a := range d.APIs {
		a.write(&b, d.Time)
	}
	return b.String()
}

// write appends the report on one API.
func (d APIDiagnosis) write(b *strings.Builder, now time.Time) {
	fmt.Fprintf(b, "\n%s, %s\n", d.API.Name, d.API.Resource)
	line := func(label string, parts ...string) {
		kept := parts[:0:0]
		for _, p := range parts {
			if p != "" {
				kept = append(kept, p)
			}
		}
		if len(kept) > 0 {
			fmt.Fprintf(b, "  %-9s%s\n", label, strings.Join(kept, "; "))
		}
	}
	line("expects", d.API.expectation(), d.API.Permission)
	if t := d.Token; t != nil {
		line("token", t.identity()...)
		line("", listed("scopes", t.Scopes), listed("roles", t.Roles), listed("amr", t.AMR))
		line("", t.times(now)...)
	}
	if p := d.Probe; p != nil {
		line("probe", p.summary(d.API), labelled("multifactor proven", p.MFACompliant), labelled("request id", p.RequestID), labelled("correlation id", p.CorrelationID))
	}
	for _, f := range d.Findings {
		text := strings.TrimSuffix(f.Text, ".") + "."
		if f.Advice != "" {
			text += " " + f.Advice
		}
		line(f.Severity.String(), text)
	}
	if len(d.Findings) == 0 {
		line("result", "fine")
	}
}

// expectation says whom a token must stand for.
func (a API) expectation() string {
	switch a.Caller {
	case AppCaller:
		return "an application's own token"
	case UserCaller:
		return "a token that stands for a user, from a sign-in with multifactor authentication"
	default:
		return "an application's own token, or one of a user with multifactor authentication"
	}
}

func (f TokenFacts) identity() []string {
	if f.Opaque {
		return []string{"not readable"}
	}
	caller := "of unknown caller"
	switch f.Caller {
	case AppCaller:
		caller = "the application's own"
	case UserCaller:
		caller = "stands for a user"
		if f.User != "" {
			caller = "stands for " + f.User
		}
	case AnyCaller:
	}
	return []string{caller, labelled("application", f.AppID), labelled("tenant", f.TenantID), labelled("object", f.ObjectID), labelled("audience", f.Audience), labelled("version", f.Version)}
}

func (f TokenFacts) times(now time.Time) []string {
	moment := func(label string, at time.Time) string {
		if at.IsZero() {
			return ""
		}
		return label + " " + utcStamp(at)
	}
	expires := moment("expires", f.ExpiresOn)
	if left := f.ExpiresOn.Sub(now); expires != "" && left > 0 {
		expires += " (in " + left.Round(time.Second).String() + ")"
	}
	return []string{moment("signed in", f.SignedInOn), moment("issued", f.IssuedOn), expires}
}

func (p *ProbeResult) summary(a API) string {
	path, _, _ := strings.Cut(a.ProbePath, "?")
	result := "no answer"
	if p.Status != 0 {
		result = strings.TrimSpace(fmt.Sprintf("%d %s", p.Status, http.StatusText(p.Status)))
	}
	return "GET " + path + ": " + result
}

func labelled(label, value string) string {
	if value == "" {
		return ""
	}
	return label + " " + value
}

func listed(label string, values []string) string { return labelled(label, strings.Join(values, ", ")) }
