package auth

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/transport"
)

// validateMFA asks an API to look at the proof of multifactor authentication even where
// it does not demand one yet, and mfaCompliant is where it answers. Described in
// https://learn.microsoft.com/partner-center/security/partner-security-requirements-mandating-mfa.
const (
	validateMFA  = "ValidateMfa"
	mfaCompliant = "isMfaCompliant"
)

// ProbeResult is what an API has answered to the request of [Diagnose].
type ProbeResult struct {
	// Status is the HTTP status; 0 when no answer arrived.
	Status int `json:"status"`
	// Code and Message are those of the error in the answer, if it was one.
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	// MFACompliant is what the API said about the proof of multifactor
	// authentication: "true", "false", or empty if it said nothing.
	MFACompliant string `json:"mfaCompliant,omitempty"`
	// Advice says what to change, when that is known.
	Advice string `json:"advice,omitempty"`
	// RequestID and CorrelationID find the request in the service's logs.
	RequestID     string `json:"requestId,omitempty"`
	CorrelationID string `json:"correlationId,omitempty"`
	// Skew is how far the service's clock is ahead of this machine's, to the
	// second; 0 when the answer did not say. In JSON it is in nanoseconds.
	Skew time.Duration `json:"skew,omitempty"`
}

// accepted reports whether the API took the token: it answered the question, be it that
// there is nothing to see.
func (p *ProbeResult) accepted() bool {
	return p.Status/100 == 2 || p.Status == http.StatusNotFound && p.Code != "900420" && p.Code != "900421"
}

// probe sends one GET with a token that is at hand, and does not let anything renew it.
func (x *examiner) probe(ctx context.Context, a API, tok Token, said TokenFacts) *ProbeResult {
	fixed := TokenSourceFunc(func(context.Context, TokenRequest) (Token, error) { return tok, nil })
	client, err := transport.New(fixed, &partnercenter.Options{
		Transport: x.opts.Transport,
		Retry:     partnercenter.RetryOptions{MaxRetries: 1, MaxDelay: 5 * time.Second, AttemptTimeout: 30 * time.Second},
		UserAgent: "auth-doctor",
	}, transport.Defaults{Endpoint: a.Endpoint, APIVersion: "v1.0", Resource: a.Resource})
	if err != nil {
		return &ProbeResult{Message: "not asked: " + x.masked(err.Error())}
	}
	var meta partnercenter.ResponseMeta
	sent := time.Now()
	_, err = client.Do(ctx, transport.Request{Method: http.MethodGet, Link: a.ProbePath},
		partnercenter.WithHeader(validateMFA, "true"), partnercenter.WithResponse(&meta))
	p := &ProbeResult{
		Status: meta.StatusCode, RequestID: tidy(meta.RequestID, 64, nil), CorrelationID: meta.CorrelationID,
		MFACompliant: compliance(meta.Header), Skew: skew(meta.Header, sent, meta.Duration),
	}
	names := []string{said.User, said.ObjectID}
	if e, ok := errors.AsType[*partnercenter.Error](err); ok {
		p.Code, p.Message, p.Advice = tidy(e.Code, 64, nil), e.Message, e.Advice
		p.RequestID = tidy(e.RequestID, 64, nil)
		if e.CorrelationID != "" {
			p.CorrelationID = tidy(e.CorrelationID, 64, nil)
		}
		if e.StatusCode == 0 && e.Err != nil {
			p.Message = e.Err.Error()
		}
	} else if err != nil {
		p.Message = err.Error()
	}
	p.Message, p.Advice = x.masked(tidy(p.Message, 300, nil), names...), x.masked(p.Advice, names...)
	return p
}

// compliance reads the API's judgement, whatever the case of its name and value.
func compliance(h http.Header) string {
	for name, values := range h {
		if strings.EqualFold(name, mfaCompliant) && len(values) > 0 {
			if b, err := strconv.ParseBool(strings.TrimSpace(values[0])); err == nil {
				return strconv.FormatBool(b)
			}
			return tidy(values[0], 32, nil)
		}
	}
	return ""
}

// skew compares the clocks. The answer was written at some time while it was waited for.
func skew(h http.Header, sent time.Time, took time.Duration) time.Duration {
	theirs, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	switch {
	case theirs.Before(sent.Truncate(time.Second)):
		return theirs.Sub(sent.Truncate(time.Second)).Truncate(time.Second)
	case theirs.After(sent.Add(took)):
		return theirs.Sub(sent.Add(took)).Truncate(time.Second)
	default:
		return 0
	}
}

// masked takes names of users out of a text, unless they are asked for. What looks like a
// sign-in name is replaced, and so are names that are known.
func (x *examiner) masked(text string, names ...string) string {
	if x.opts.ShowUser {
		return text
	}
	text = signInName.ReplaceAllString(text, "[user]")
	for _, n := range slices.DeleteFunc(names, func(n string) bool { return len(n) < 4 }) {
		text = strings.ReplaceAll(text, n, "[user]")
	}
	return text
}
