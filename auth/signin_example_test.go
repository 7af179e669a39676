package auth_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"sync"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
)

// A command-line tool signs its user in with the browser. What it saves,
// [auth.NewRefreshToken] goes on with.
func ExampleSignInWithBrowser() {
	store, err := auth.NewFileStore("/var/lib/reports/tokens", nil)
	if err != nil {
		log.Fatal(err)
	}
	who, err := auth.SignInWithBrowser(context.Background(), auth.SignIn{
		App:      auth.App{TenantID: "contoso.example", ClientID: "11111111-2222-3333-4444-555555555555"},
		Store:    store,
		Key:      "contoso",
		Resource: "https://api.partner.microsoft.com",
	}, nil, nil)
	switch {
	case errors.Is(err, auth.ErrDenied):
		fmt.Println("not without you:", err)
	case err != nil:
		log.Fatal(err)
	default:
		fmt.Println("signed in as", who.Username)
	}
}

// On a machine without a browser the user enters a code on another device.
func ExampleSignInWithDeviceCode() {
	store, err := auth.NewFileStore("/var/lib/reports/tokens", nil)
	if err != nil {
		log.Fatal(err)
	}
	who, err := auth.SignInWithDeviceCode(context.Background(), auth.SignIn{
		App:      auth.App{TenantID: "contoso.example", ClientID: "11111111-2222-3333-4444-555555555555"},
		Store:    store,
		Key:      "contoso",
		Resource: "https://api.partner.microsoft.com",
	}, func(_ context.Context, code auth.DeviceCode) error {
		_, err := fmt.Println(code.Message) // where to go, and what to enter there
		return err
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("signed in as", who.Username)
}

// A web application sends its user to the sign-in page and redeems what comes back. The
// attempt stays in the user's session meanwhile: only a callback of the same session counts.
func ExampleNewConsent() {
	consent, err := auth.NewConsent(auth.SignIn{
		App: auth.App{
			TenantID:   "contoso.example",
			ClientID:   "11111111-2222-3333-4444-555555555555",
			Credential: auth.WorkloadIdentityFile("/var/run/secrets/tokens/entra"),
		},
		Store:    auth.NewMemoryStore(), // in production one that lasts
		Key:      "contoso",
		Resource: "https://api.partner.microsoft.com",
	}, "https://app.contoso.example/callback", nil)
	if err != nil {
		log.Fatal(err)
	}
	var sessions sync.Map // of your web framework

	http.HandleFunc("GET /connect", func(w http.ResponseWriter, r *http.Request) {
		attempt, err := consent.Begin(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		sessions.Store(session(r), attempt.Save())
		http.Redirect(w, r, attempt.URL(), http.StatusSeeOther)
	})
	http.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) {
		saved, found := sessions.LoadAndDelete(session(r)) // so that it is redeemed once
		if !found {
			http.Error(w, "no sign-in is under way", http.StatusBadRequest)
			return
		}
		secret, _ := saved.(partnercenter.Secret)
		attempt, err := consent.Resume(secret)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		who, err := consent.Redeem(r.Context(), attempt, r.URL.Query())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, _ = fmt.Fprintln(w, "connected as", who.Username)
	})
}

// session names the session of a request.
func session(r *http.Request) string {
	if c, err := r.Cookie("session"); err == nil {
		return c.Value
	}
	return ""
}

// What is wrong with a sign-in? The report names no user and holds no token, so it can be
// pasted into a ticket.
func ExampleDiagnose() {
	source, err := auth.FromEnvironment(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = source.Close() }()
	report, err := auth.Diagnose(context.Background(), source, nil)
	if err != nil {
		log.Print(err)
		return
	}
	fmt.Println(report)
	if !report.OK() {
		fmt.Println("something will not work")
	}
}
