package auth

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// tolerance is how far apart two clocks may be. Entra ID and the APIs allow as much.
const tolerance = 5 * time.Minute

// signInName matches what a sign-in name looks like, also percent-encoded and as a guest's.
var signInName = regexp.MustCompile(`[^\s"'<>()\[\]{},;:=/?&]+(?:@|%40)[\pL\pN_-]+(?:\.[\pL\pN_-]+)+`)

// assess compares what a token says, and how the API has answered, with what the API expects.
func (x *examiner) assess(a API, tok Token, said TokenFacts, p *ProbeResult) []Finding {
	var all []Finding
	add := func(s Severity, text, advice string) { all = append(all, Finding{s, text, advice}) }
	if said.Opaque {
		add(Note, "the token is not a JSON Web Token, so only the API can tell what is in it", "")
	} else {
		x.assessAudience(a, said, add)
		x.assessTenant(said, add)
		assessCaller(a, said, p, add)
		assessMFA(said, p, add)
	}
	x.assessTimes(tok, said, p, add)
	if p != nil {
		assessProbe(a, said, p, add)
	}
	slices.SortStableFunc(all, func(f, g Finding) int { return cmp.Compare(g.Severity, f.Severity) })
	return all
}

type adder func(s Severity, text, advice string)

func (x *examiner) assessAudience(a API, said TokenFacts, add adder) {
	same := func(want string) bool {
		return want != "" && strings.EqualFold(strings.TrimSuffix(said.Audience, "/"), strings.TrimSuffix(want, "/"))
	}
	switch {
	case same(a.Resource), same(a.AppID):
	case same(retiredGraphResource):
		add(Problem, "the token is for "+retiredGraphResource+", which Partner Center no longer accepts (900420)", "Request the token for "+a.Resource+".")
	default:
		add(Problem, fmt.Sprintf("the token is for %q, but the API takes tokens for %s (900420)", said.Audience, a.Resource), "Request the token for "+a.Resource+".")
	}
}

func (x *examiner) assessTenant(said TokenFacts, add adder) {
	want := x.opts.TenantID
	// Domain names stand for tenants too, but only the directory knows for which.
	if want == "" || said.TenantID == "" || !tenantGUID.MatchString(want) || strings.EqualFold(want, said.TenantID) {
		return
	}
	add(Problem, fmt.Sprintf("the token comes from tenant %s, but %s was asked for", said.TenantID, want),
		"Use a source that can change its tenant, or one that belongs to the tenant.")
}

var tenantGUID = regexp.MustCompile(`^(?i)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$`)

func assessCaller(a API, said TokenFacts, p *ProbeResult, add adder) {
	switch {
	case a.Caller == AnyCaller, said.Caller == AnyCaller, a.Caller == said.Caller:
		return
	case p != nil && p.accepted():
		add(Note, fmt.Sprintf("the API is documented for the tokens of %ss, but has accepted that of the %s", a.Caller, said.Caller), "")
	case a.Caller == UserCaller:
		add(Warning, "the token is the application's own, but the API is documented for tokens that stand for a user",
			"Sign in with the authorization code or device code flow, and go on with its refresh token.")
	default:
		add(Warning, "the token stands for a user, but the API is documented for tokens of applications",
			"Use client credentials: a client secret, a certificate or a managed identity.")
	}
}

func assessMFA(said TokenFacts, p *ProbeResult, add adder) {
	if said.Caller == AppCaller || p != nil && p.Code == "900421" {
		return // exempt; or assessProbe says it
	}
	judged := ""
	if p != nil {
		judged = p.MFACompliant
	}
	proven, told := said.mfa()
	switch {
	case judged == "false":
		add(Problem, "the API says that the token does not prove multifactor authentication", ExplainCode("900421"))
	case judged == "true" && told && !proven:
		add(Note, fmt.Sprintf("the API says that the token proves multifactor authentication, although its amr claim (%s) does not", strings.Join(said.AMR, ", ")), "")
	case judged == "true", proven:
	case told:
		add(Problem, fmt.Sprintf("the token does not prove multifactor authentication: its amr claim has only %s", strings.Join(said.AMR, ", ")), ExplainCode("900421"))
	case said.Caller == UserCaller:
		add(Note, "the token does not say how the user signed in, so only the API can tell whether multifactor authentication is proven", "")
	}
}

func (x *examiner) assessTimes(tok Token, said TokenFacts, p *ProbeResult, add adder) {
	now := x.now
	ahead := time.Duration(0) // of the issuer's clock
	if begin := said.ValidFrom; begin.After(now.Add(tolerance)) {
		ahead = begin.Sub(now)
	}
	if p != nil && p.Skew.Abs() > tolerance {
		ahead = p.Skew
	}
	switch {
	case ahead > 0:
		add(Problem, fmt.Sprintf("the clock of this machine is about %s slow", ahead.Round(time.Second)), "Synchronise it with NTP: tokens are being used before they are valid.")
	case ahead < 0:
		add(Problem, fmt.Sprintf("the clock of this machine is about %s fast", -ahead.Round(time.Second)), "Synchronise it with NTP: tokens are taken for expired while they are valid.")
	}
	end := said.ExpiresOn
	switch {
	case end.IsZero() && tok.ExpiresOn.IsZero():
		add(Note, "nobody knows when the token expires", "It is used until the API rejects it.")
	case end.IsZero():
	case !end.After(now):
		add(Problem, "the token expired on "+utcStamp(end), "Use a flow that renews its tokens.")
	case end.Sub(now) < tolerance:
		add(Warning, "the token expires in "+end.Sub(now).Round(time.Second).String(), "Sources of this module renew tokens earlier; check how this one is made.")
	}
	if !end.IsZero() && !tok.ExpiresOn.IsZero() && end.Sub(tok.ExpiresOn).Abs() > tolerance {
		add(Warning, fmt.Sprintf("the source says that the token expires on %s, the token itself says %s", utcStamp(tok.ExpiresOn), utcStamp(end)),
			"Check the clock of this machine, and how the source computes the time.")
	}
}

func assessProbe(a API, said TokenFacts, p *ProbeResult, add adder) {
	answer := fmt.Sprintf("%d %s", p.Status, http.StatusText(p.Status))
	if p.Code != "" || p.Message != "" {
		answer += ": " + strings.TrimSpace(p.Code+" "+p.Message)
	}
	refused := "the API refused the token: " + answer
	fallback := p.Advice
	if text := ExplainCode(p.Code); text != "" {
		fallback = text
	}
	switch {
	case p.accepted():
	case p.Status == 0:
		add(Problem, "the API gave no answer: "+p.Message, "Check the network, the proxy and the endpoint.")
	case p.Status == http.StatusUnauthorized, p.Status == http.StatusForbidden:
		add(Problem, refused, cmp.Or(fallback, "The API wants "+a.Permission+"."))
	case p.Status == http.StatusBadRequest && a.Caller == UserCaller && said.Caller == AppCaller:
		add(Problem, refused, cmp.Or(fallback, "The API wants a token that stands for a user."))
	case p.Status == http.StatusTooManyRequests, p.Status >= 500:
		add(Warning, "the API is not well: "+answer, "Try again later; nothing is known about the token.")
	default:
		add(Warning, "the API's answer says nothing about the token: "+answer, fallback)
	}
}

// utcStamp writes a time for people.
func utcStamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }
