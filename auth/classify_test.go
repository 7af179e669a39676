package auth_test

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jarcoal/httpmock"

	pc "github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
)

// answering returns options whose transport answers every token request so.
func answering(t *testing.T, status int, header http.Header, body string) *auth.Options {
	t.Helper()
	mock := httpmock.NewMockTransport()
	const base = "https://login.example"
	mock.RegisterResponder("GET", base+"/"+tenantID+"/v2.0/.well-known/openid-configuration",
		httpmock.NewStringResponder(200, `{"issuer":"`+base+`/x/v2.0","authorization_endpoint":"`+base+`/a","token_endpoint":"`+base+`/`+tenantID+`/oauth2/v2.0/token"}`))
	mock.RegisterResponder("GET", `=~^`+base+`/common/UserRealm/`,
		httpmock.NewStringResponder(200, `{"account_type":"Managed","domain_name":"x","cloud_instance_name":"y","cloud_audience_urn":"z"}`))
	mock.RegisterResponder("POST", base+"/"+tenantID+"/oauth2/v2.0/token", func(r *http.Request) (*http.Response, error) {
		resp := httpmock.NewStringResponse(status, body)
		maps.Copy(resp.Header, header)
		resp.Request = r
		return resp, nil
	})
	return &auth.Options{Authority: base, Transport: mock, MaxRetries: -1}
}

func TestAnswersAndTheirKinds(t *testing.T) {
	const password = true
	entraBody := func(code, rest string) string { return `{"error":"` + code + `"` + rest + `}` }
	for _, c := range []struct {
		name     string
		password bool
		status   int
		header   http.Header
		body     string
		want     auth.Error
		is       error
		advice   string // part of it
	}{
		{
			name: "everything there is", status: 401,
			body: entraBody("invalid_client", `,"error_description":"AADSTS7000215: Invalid client secret provided.\r\nTrace ID: t-1\r\nCorrelation ID: c-1\r\nTimestamp: 2026-01-01 00:00:00Z","error_codes":[7000215],"timestamp":"x","trace_id":"t-1","correlation_id":"c-1","suberror":"s","error_uri":"u"`),
			want: auth.Error{
				Kind: auth.KindBadClientCredential, Code: "invalid_client", SubCode: "s", STSCodes: []int{7000215},
				Description: "Invalid client secret provided", TraceID: "t-1", CorrelationID: "c-1",
			},
			is: auth.ErrBadClientCredential, advice: "not its ID",
		},
		{name: "expired secret", status: 401, body: entraBody("invalid_client", `,"error_codes":[7000222]`), want: auth.Error{Kind: auth.KindBadClientCredential, Code: "invalid_client", STSCodes: []int{7000222}}, is: auth.ErrBadClientCredential, advice: "expired"},
		{name: "missing credential", status: 401, body: entraBody("invalid_client", `,"error_codes":[7000218]`), want: auth.Error{Kind: auth.KindBadClientCredential, Code: "invalid_client", STSCodes: []int{7000218}}, is: auth.ErrBadClientCredential, advice: "public client flows"},
		{name: "credential of a public client", status: 401, body: entraBody("invalid_client", `,"error_codes":[700025]`), want: auth.Error{Kind: auth.KindBadClientCredential, Code: "invalid_client", STSCodes: []int{700025}}, is: auth.ErrBadClientCredential, advice: "Leave App.Credential nil"},
		{name: "bad assertion", status: 401, body: entraBody("invalid_client", `,"error_codes":[700027]`), want: auth.Error{Kind: auth.KindBadClientCredential, Code: "invalid_client", STSCodes: []int{700027}}, is: auth.ErrBadClientCredential, advice: "certificate"},
		{name: "unknown application", status: 400, body: entraBody("unauthorized_client", `,"error_codes":[700016]`), want: auth.Error{Kind: auth.KindBadConfiguration, Code: "unauthorized_client", STSCodes: []int{700016}}, is: auth.ErrBadConfiguration, advice: "does not know the application"},
		{name: "unknown resource", status: 400, body: entraBody("invalid_resource", `,"error_codes":[500011]`), want: auth.Error{Kind: auth.KindBadConfiguration, Code: "invalid_resource", STSCodes: []int{500011}}, is: auth.ErrBadConfiguration, advice: "service principal"},
		{name: "unknown tenant", status: 400, body: entraBody("invalid_request", `,"error_codes":[90002]`), want: auth.Error{Kind: auth.KindBadConfiguration, Code: "invalid_request", STSCodes: []int{90002}}, is: auth.ErrBadConfiguration, advice: "no such tenant"},
		{name: "bad scope", status: 400, body: entraBody("invalid_scope", `,"error_codes":[70011]`), want: auth.Error{Kind: auth.KindBadConfiguration, Code: "invalid_scope", STSCodes: []int{70011}}, is: auth.ErrBadConfiguration, advice: "scope"},
		{name: "inactive refresh token", status: 400, body: entraBody("invalid_grant", `,"error_codes":[700082]`), want: auth.Error{Kind: auth.KindRefreshTokenDead, Code: "invalid_grant", STSCodes: []int{700082}}, is: auth.ErrRefreshTokenDead, advice: "90 days"},
		{name: "revoked sessions", status: 400, body: entraBody("invalid_grant", `,"error_codes":[50173],"suberror":"bad_token"`), want: auth.Error{Kind: auth.KindRefreshTokenDead, Code: "invalid_grant", SubCode: "bad_token", STSCodes: []int{50173}}, is: auth.ErrRefreshTokenDead, advice: "revoked"},
		{name: "sign-in frequency", status: 400, body: entraBody("invalid_grant", `,"error_codes":[70043]`), want: auth.Error{Kind: auth.KindRefreshTokenDead, Code: "invalid_grant", STSCodes: []int{70043}}, is: auth.ErrRefreshTokenDead, advice: "frequency"},
		{name: "single-page token", status: 400, body: entraBody("invalid_grant", `,"error_codes":[700084]`), want: auth.Error{Kind: auth.KindRefreshTokenDead, Code: "invalid_grant", STSCodes: []int{700084}}, is: auth.ErrRefreshTokenDead, advice: "single-page"},
		{name: "expired grant", status: 400, body: entraBody("invalid_grant", `,"error_codes":[70008]`), want: auth.Error{Kind: auth.KindRefreshTokenDead, Code: "invalid_grant", STSCodes: []int{70008}}, is: auth.ErrRefreshTokenDead, advice: "sign in"},
		{name: "invalid_grant without a number", status: 400, body: entraBody("invalid_grant", ``), want: auth.Error{Kind: auth.KindRefreshTokenDead, Code: "invalid_grant"}, is: auth.ErrRefreshTokenDead, advice: "sign in"},
		{name: "malformed grant", status: 400, body: entraBody("invalid_grant", `,"error_codes":[70000]`), want: auth.Error{Kind: auth.KindRefreshTokenDead, Code: "invalid_grant", STSCodes: []int{70000}}, is: auth.ErrRefreshTokenDead, advice: "sign in"},
		{name: "replayed code", status: 400, body: entraBody("invalid_grant", `,"error_codes":[54005]`), want: auth.Error{Kind: auth.KindCodeReplayed, Code: "invalid_grant", STSCodes: []int{54005}}, is: auth.ErrCodeReplayed, advice: "redeemed before"},
		{name: "multifactor, by number", status: 400, body: entraBody("invalid_grant", `,"error_codes":[50076]`), want: auth.Error{Kind: auth.KindInteractionRequired, Code: "invalid_grant", STSCodes: []int{50076}}, is: auth.ErrInteractionRequired, advice: "Multifactor"},
		{name: "multifactor enrolment", status: 400, body: entraBody("invalid_grant", `,"error_codes":[50079]`), want: auth.Error{Kind: auth.KindInteractionRequired, Code: "invalid_grant", STSCodes: []int{50079}}, is: auth.ErrInteractionRequired, advice: "Multifactor"},
		{name: "multifactor too old", status: 400, body: entraBody("invalid_grant", `,"error_codes":[50078]`), want: auth.Error{Kind: auth.KindInteractionRequired, Code: "invalid_grant", STSCodes: []int{50078}}, is: auth.ErrInteractionRequired, advice: "too old"},
		{name: "multifactor not done", status: 400, body: entraBody("invalid_grant", `,"error_codes":[50074]`), want: auth.Error{Kind: auth.KindInteractionRequired, Code: "invalid_grant", STSCodes: []int{50074}}, is: auth.ErrInteractionRequired, advice: "interactively"},
		{name: "consent", status: 400, body: entraBody("invalid_grant", `,"error_codes":[65001],"suberror":"consent_required"`), want: auth.Error{Kind: auth.KindInteractionRequired, Code: "invalid_grant", SubCode: "consent_required", STSCodes: []int{65001}}, is: auth.ErrInteractionRequired, advice: "consent"},
		{name: "interaction, by error", status: 400, body: entraBody("interaction_required", `,"claims":"{\"access_token\":{}}"`), want: auth.Error{Kind: auth.KindInteractionRequired, Code: "interaction_required", Claims: `{"access_token":{}}`}, is: auth.ErrInteractionRequired, advice: "interactively"},
		{name: "interaction, by claims", status: 400, body: entraBody("invalid_grant", `,"claims":"{}","error_codes":[530003]`), want: auth.Error{Kind: auth.KindInteractionRequired, Code: "invalid_grant", Claims: `{}`, STSCodes: []int{530003}}, is: auth.ErrInteractionRequired, advice: "interactively"},
		{name: "interaction, by suberror", status: 400, body: entraBody("invalid_grant", `,"suberror":"additional_action"`), want: auth.Error{Kind: auth.KindInteractionRequired, Code: "invalid_grant", SubCode: "additional_action"}, is: auth.ErrInteractionRequired, advice: "interactively"},
		{name: "wrong password", password: password, status: 400, body: entraBody("invalid_grant", `,"error_codes":[50126]`), want: auth.Error{Kind: auth.KindBadUserCredential, Code: "invalid_grant", STSCodes: []int{50126}}, is: auth.ErrBadUserCredential, advice: "does not repeat"},
		{name: "locked account", password: password, status: 400, body: entraBody("invalid_grant", `,"error_codes":[50053]`), want: auth.Error{Kind: auth.KindBadUserCredential, Code: "invalid_grant", STSCodes: []int{50053}}, is: auth.ErrBadUserCredential, advice: "locked"},
		{name: "expired password", password: password, status: 400, body: entraBody("invalid_grant", `,"error_codes":[50055]`), want: auth.Error{Kind: auth.KindBadUserCredential, Code: "invalid_grant", STSCodes: []int{50055}}, is: auth.ErrBadUserCredential, advice: "new one"},
		{name: "disabled account", password: password, status: 400, body: entraBody("invalid_grant", `,"error_codes":[50057]`), want: auth.Error{Kind: auth.KindBadUserCredential, Code: "invalid_grant", STSCodes: []int{50057}}, is: auth.ErrBadUserCredential, advice: "disabled"},
		{name: "refused sign-in without a number", password: password, status: 400, body: entraBody("invalid_grant", ``), want: auth.Error{Kind: auth.KindBadUserCredential, Code: "invalid_grant"}, is: auth.ErrBadUserCredential, advice: "password"},
		{name: "wrong cloud", status: 400, body: entraBody("invalid_request", `,"error_codes":[900432]`), want: auth.Error{Kind: auth.KindWrongCloud, Code: "invalid_request", STSCodes: []int{900432}}, is: auth.ErrWrongCloud, advice: "Options.Authority"},
		{name: "redirected to another cloud", status: 400, body: entraBody("invalid_grant", `,"error_codes":[90038]`), want: auth.Error{Kind: auth.KindWrongCloud, Code: "invalid_grant", STSCodes: []int{90038}}, is: auth.ErrWrongCloud, advice: "Options.Authority"},
		{name: "busy", status: 400, body: entraBody("temporarily_unavailable", ``), want: auth.Error{Kind: auth.KindTransient, Code: "temporarily_unavailable"}, is: auth.ErrTransient, advice: "later"},
		{name: "busy, by number", status: 400, body: entraBody("invalid_request", `,"error_codes":[90033]`), want: auth.Error{Kind: auth.KindTransient, Code: "invalid_request", STSCodes: []int{90033}}, is: auth.ErrTransient, advice: "later"},
		{name: "overloaded, by number", status: 400, body: entraBody("invalid_request", `,"error_codes":[90024]`), want: auth.Error{Kind: auth.KindTransient, Code: "invalid_request", STSCodes: []int{90024}}, is: auth.ErrTransient, advice: "later"},
		{name: "in trouble, by number", status: 400, body: entraBody("invalid_grant", `,"error_codes":[50033]`), want: auth.Error{Kind: auth.KindTransient, Code: "invalid_grant", STSCodes: []int{50033}}, is: auth.ErrTransient, advice: "later"},
		{name: "throttled, by number", status: 400, body: entraBody("invalid_request", `,"error_codes":[90055]`), want: auth.Error{Kind: auth.KindTransient, Code: "invalid_request", STSCodes: []int{90055}}, is: auth.ErrTransient, advice: "later"},
		{name: "throttled", status: 429, header: http.Header{"Retry-After": {"57"}}, body: "slow down", want: auth.Error{Kind: auth.KindTransient, RetryAfter: 57 * time.Second, Description: "Too Many Requests: an answer that is not an OAuth error"}, is: auth.ErrTransient, advice: "later"},
		{name: "loop", status: 400, body: entraBody("invalid_grant", `,"error_codes":[50196]`), password: password, want: auth.Error{Kind: auth.KindBadUserCredential, Code: "invalid_grant", STSCodes: []int{50196}}, is: auth.ErrBadUserCredential, advice: "loop"},
		{name: "HTML of a gateway", status: 503, header: http.Header{"Content-Type": {"text/html; charset=utf-8"}, "X-Ms-Request-Id": {"r-1"}}, body: "<html>", want: auth.Error{Kind: auth.KindTransient, TraceID: "r-1", Description: "Service Unavailable: an answer that is not an OAuth error (text/html)"}, is: auth.ErrTransient, advice: "later"},
		{name: "HTML of a captive portal", status: 200, header: http.Header{"Content-Type": {"text/html"}}, body: "<html>", want: auth.Error{Kind: auth.KindBadAnswer, Description: "the token service's answer is incomplete or not JSON"}, is: auth.ErrBadAnswer, advice: "proxy"},
		{name: "proxy wants authentication", status: 407, body: "", want: auth.Error{Kind: auth.KindBadAnswer, Description: "Proxy Authentication Required: an answer that is not an OAuth error"}, is: auth.ErrBadAnswer, advice: "proxy"},
		{name: "not found", status: 404, body: "", want: auth.Error{Kind: auth.KindBadConfiguration, Description: "Not Found: an answer that is not an OAuth error"}, is: auth.ErrBadConfiguration, advice: "authority"},
		{name: "error under 200", status: 200, body: entraBody("invalid_client", `,"error_codes":[7000215]`), want: auth.Error{Kind: auth.KindBadClientCredential, Code: "invalid_client", STSCodes: []int{7000215}}, is: auth.ErrBadClientCredential, advice: "ID"},
		{name: "unknown error", status: 400, body: entraBody("something_new", `,"error_description":"AADSTS123456: New.","error_codes":[123456]`), want: auth.Error{Kind: auth.KindUnknown, Code: "something_new", STSCodes: []int{123456}, Description: "New."}},
		{name: "numbers in the description only", status: 401, body: entraBody("invalid_client", `,"error_description":"AADSTS7000222: Expired. See AADSTS7000222 and AADSTS50196."`), want: auth.Error{Kind: auth.KindBadClientCredential, Code: "invalid_client", STSCodes: []int{7000222, 50196}, Description: "Expired. See AADSTS7000222 and AADSTS50196."}, is: auth.ErrBadClientCredential, advice: "expired"},
		{name: "odd numbers", status: 401, body: entraBody("invalid_client", `,"error_codes":["7000222",null,"x",{}]`), want: auth.Error{Kind: auth.KindBadClientCredential, Code: "invalid_client", STSCodes: []int{7000222}}, is: auth.ErrBadClientCredential, advice: "expired"},
		{name: "numbers that are no list", status: 401, body: entraBody("invalid_client", `,"error_codes":7`), want: auth.Error{Kind: auth.KindBadClientCredential, Code: "invalid_client"}, is: auth.ErrBadClientCredential, advice: "secret"},
		{name: "fields of odd types", status: 400, body: entraBody("invalid_grant", `,"suberror":["x"],"trace_id":7,"claims":{},"error_codes":[700082],"correlation_id":null`), want: auth.Error{Kind: auth.KindRefreshTokenDead, Code: "invalid_grant", STSCodes: []int{700082}}, is: auth.ErrRefreshTokenDead, advice: "90 days"},
		{name: "a list", status: 400, body: `["invalid_grant"]`, want: auth.Error{Kind: auth.KindBadAnswer, Description: "Bad Request: an answer that is not an OAuth error"}, is: auth.ErrBadAnswer},
		{name: "control characters", status: 400, body: entraBody("invalid_request", `,"error_description":"a\u001b[31m\r\nb\u0000"`), want: auth.Error{Kind: auth.KindBadConfiguration, Code: "invalid_request", Description: "a [31m  b"}, is: auth.ErrBadConfiguration, advice: "tenant"},
		{name: "empty success", status: 200, body: `{}`, want: auth.Error{Kind: auth.KindBadAnswer, Description: "the token service's answer is incomplete or not JSON"}, is: auth.ErrBadAnswer, advice: "proxy"},
		{name: "success without a token", status: 200, body: `{"expires_in":3600,"token_type":"Bearer"}`, want: auth.Error{Kind: auth.KindBadAnswer, Description: "response is missing access_token"}, is: auth.ErrBadAnswer, advice: "proxy"},
		{name: "scope that was not granted", password: password, status: 200, body: `{"expires_in":3600,"access_token":"x","scope":"other"}`, want: auth.Error{Kind: auth.KindBadAnswer, Description: "token response failed because declined scopes are present: https://api.partner.microsoft.com/.default"}, is: auth.ErrBadAnswer},
		{name: "odd status", status: 999, body: "", want: auth.Error{Kind: auth.KindTransient, Description: "an answer that is not an OAuth error"}, is: auth.ErrTransient},
		{name: "empty 204", status: 204, body: "", want: auth.Error{Kind: auth.KindBadAnswer, Description: "No Content: an answer that is not an OAuth error"}, is: auth.ErrBadAnswer},
	} {
		t.Run(c.name, func(t *testing.T) {
			opts := answering(t, c.status, c.header, c.body)
			var s *auth.Source
			if c.password {
				s = usernamePassword(t, publicApp(), user(), opts)
				c.want.ClientID = publicID
			} else {
				s = clientCredentials(t, confidentialApp(), opts)
				c.want.ClientID = clientID
			}
			c.want.TenantID, c.want.Resource = tenantID, resource
			if c.status != 200 || c.want.Code != "" {
				c.want.Status = c.status
			}
			e := refused(t, s, auth.TokenRequest{})
			ignore := cmpopts.IgnoreFields(auth.Error{}, "Advice", "CorrelationID")
			if c.want.CorrelationID != "" {
				ignore = cmpopts.IgnoreFields(auth.Error{}, "Advice")
			}
			if diff := cmp.Diff(&c.want, e, ignore, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if e.CorrelationID == "" {
				t.Error("no correlation id")
			}
			for _, sentinel := range []error{
				auth.ErrTransient, auth.ErrInteractionRequired, auth.ErrRefreshTokenDead, auth.ErrCodeReplayed, auth.ErrBadClientCredential,
				auth.ErrBadUserCredential, auth.ErrBadConfiguration, auth.ErrWrongCloud, auth.ErrTokenRejected, auth.ErrBadAnswer,
			} {
				if errors.Is(e, sentinel) != (sentinel == c.is) { //nolint:errorlint // the very sentinel is meant
					t.Errorf("errors.Is(%v) is %t", sentinel, errors.Is(e, sentinel))
				}
			}
			if interaction := c.want.Kind == auth.KindInteractionRequired; errors.Is(e, pc.ErrInteractionRequired) != interaction {
				t.Errorf("errors.Is(%v) is %t", pc.ErrInteractionRequired, !interaction)
			}
			if e.Temporary() != (c.want.Kind == auth.KindTransient) {
				t.Errorf("Temporary is %t", e.Temporary())
			}
			if !strings.Contains(e.Advice, c.advice) {
				t.Errorf("advice %q does not mention %q", e.Advice, c.advice)
			}
			if strings.ContainsAny(e.Error(), "\r\n\x00\x1b") {
				t.Errorf("the text is not one clean line: %q", e.Error())
			}
		})
	}
}

func TestErrorTextIsOneTellingLine(t *testing.T) {
	opts := answering(t, 401, nil, `{"error":"invalid_client","suberror":"bad","error_description":"AADSTS7000222: The keys are expired.","error_codes":[7000222],"trace_id":"t-1","correlation_id":"c-1"}`)
	e := refused(t, clientCredentials(t, confidentialApp(), opts), auth.TokenRequest{})
	const want = "auth: client credential refused (invalid_client, bad, AADSTS7000222): The keys are expired " +
		"(resource https://api.partner.microsoft.com, application cccccccc-1111-4222-8333-444444444444, tenant aaaaaaaa-1111-4222-8333-444444444444, " +
		"status 401, correlation id c-1, trace id t-1). " +
		"The client secret has expired. Create a new one in the portal; with ClientSecretFunc the program picks it up without a restart."
	if diff := cmp.Diff(want, e.Error()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
}
