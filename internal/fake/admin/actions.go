package admin

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
	"github.com/partnercenter-go/partnercenter/internal/fake/payouts"
)

func (s *Server) reset(*http.Request) (any, error) {
	return s.act(s.cfg.Reset())
}

func (s *Server) clock(r *http.Request) (any, error) {
	var in struct {
		Advance string `json:"advance"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	d, err := time.ParseDuration(in.Advance)
	switch {
	case err != nil:
		return nil, fmt.Errorf(`advance is %q; it must be a duration such as "90m" or "24h"`, in.Advance)
	case d < 0 || d > kit.MaxLead-s.cfg.Clock.Offset():
		return nil, errors.New("advance: the clock moves ahead only, and not by more than a hundred years altogether")
	}
	s.cfg.Advance(d)
	return s.act(nil)
}

func (s *Server) faults(*http.Request) (any, error) { return s.waiting(), nil }

func (s *Server) addFaults(r *http.Request) (any, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	list, err := kit.ParseFaults(b)
	if err != nil {
		return nil, err
	}
	for _, f := range list {
		s.cfg.Faults.Add(f)
	}
	return s.waiting(), nil
}

func (s *Server) clearFaults(*http.Request) (any, error) {
	s.cfg.Faults.Clear()
	return done{true}, nil
}

func (s *Server) removeFault(r *http.Request) (any, error) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || !s.cfg.Faults.Remove(id) {
		return nil, missing{fmt.Errorf("there is no fault %q", r.PathValue("id"))}
	}
	return done{true}, nil
}

// status reads what something shall end with.
func status(r *http.Request) (string, error) {
	in := struct {
		Status string `json:"status"`
	}{"Completed"}
	if err := read(r, &in); err != nil {
		return "", err
	}
	if in.Status == "" {
		return "", errors.New("the status is empty")
	}
	return in.Status, nil
}

func (s *Server) finishExport(r *http.Request) (any, error) {
	status, err := status(r)
	if err != nil {
		return nil, err
	}
	return s.act(found(s.cfg.Payouts.Finish(r.PathValue("id"), payouts.Step{Status: status})))
}

func (s *Server) expireExport(r *http.Request) (any, error) {
	return s.act(found(s.cfg.Payouts.ExpireLinks(r.PathValue("id"))))
}

func (s *Server) finishExecution(r *http.Request) (any, error) {
	status, err := status(r)
	if err != nil {
		return nil, err
	}
	return s.act(found(s.cfg.Analytics.Finish(r.PathValue("id"), status)))
}

func (s *Server) expireExecution(r *http.Request) (any, error) {
	return s.act(found(s.cfg.Analytics.ExpireLinks(r.PathValue("id"))))
}

func (s *Server) finishSubmission(r *http.Request) (any, error) {
	status, err := status(r)
	if err != nil {
		return nil, err
	}
	switch status {
	case "Completed":
		return s.act(found(s.cfg.Ingestion.Complete(r.PathValue("id"))))
	case "Failed":
		return s.act(found(s.cfg.Ingestion.Fail(r.PathValue("id"))))
	default:
		return nil, fmt.Errorf("the status is %q; a submission can be Completed or Failed", status)
	}
}

// found marks an error as one about something that is not there, which is the only
// kind that these actions have.
func found(err error) error {
	if err != nil {
		return missing{err}
	}
	return nil
}

// approveDevice is a user who enters the code that a device shows, and signs in.
func (s *Server) approveDevice(r *http.Request) (any, error) {
	var in struct {
		User string `json:"user"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	return s.act(found(s.cfg.Entra.ApproveDevice(r.PathValue("code"), in.User)))
}

// revoke makes an access token worthless, by itself or by its fingerprint, a refresh
// token, or all refresh tokens of a user.
func (s *Server) revoke(r *http.Request) (any, error) {
	var in struct {
		Token       string `json:"token"`
		Fingerprint string `json:"fingerprint"`
		User        string `json:"user"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	switch {
	case in.Token != "" && in.Fingerprint == "" && in.User == "":
		if !s.cfg.Entra.Revoke(in.Token) {
			return nil, missing{errors.New("there is no such token")}
		}
	case in.Fingerprint != "" && in.Token == "" && in.User == "":
		if !s.cfg.Entra.RevokeFingerprint(in.Fingerprint) {
			return nil, missing{errors.New("no token with this fingerprint has been given out lately")}
		}
	case in.User != "" && in.Token == "" && in.Fingerprint == "":
		s.cfg.Entra.RevokeSessions(in.User)
	default:
		return nil, errors.New("say one of token, fingerprint and user")
	}
	return s.act(nil)
}
