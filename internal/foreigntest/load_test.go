package foreigntest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// crowd is how many clients work at a time.
const crowd = 500

// loadVariable names a duration, for example 60s. Without it every client does its work
// once, and memory is not looked at.
const loadVariable = "EMULATOR_LOAD"

// worker is one of the clients, with connections of its own.
type worker struct {
	e     *emulator
	http  *http.Client
	token string
}

func (e *emulator) newWorker(pool *x509.CertPool) *worker {
	return &worker{e: e, http: &http.Client{Timeout: patience, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) { // the name resolution
			return new(net.Dialer).DialContext(ctx, network, e.Address)
		},
	}}}
}

func (w *worker) send(ctx context.Context, method, address, form string, want int) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form))
	if err != nil {
		return nil, err
	}
	switch {
	case form != "":
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	case w.token != "" && strings.Contains(address, "/v1.0/"):
		req.Header.Set("Authorization", "Bearer "+w.token)
	}
	resp, err := w.http.Do(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	if resp.StatusCode != want {
		return nil, fmt.Errorf("%s %s: %s: %.300s", method, address, resp.Status, body)
	}
	return body, nil
}

func (w *worker) signIn(ctx context.Context) error {
	form := url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {w.e.RefreshToken}, "resource": {"https://api.partner.microsoft.com"},
		"client_id": {w.e.Clients[0].ClientID}, "client_secret": {w.e.Clients[0].ClientSecret},
	}
	body, err := w.send(ctx, "POST", "https://login.microsoftonline.com/"+w.e.TenantID+"/oauth2/token", form.Encode(), 200)
	if err != nil {
		return err
	}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	err = json.Unmarshal(body, &answer)
	w.token = answer.AccessToken
	return err
}

// export does all that there is to an export, and removes it.
func (w *worker) export(ctx context.Context) error {
	const base = "https://api.partner.microsoft.com/v1.0/payouts/payments"
	var list exportList
	body, err := w.send(ctx, "POST", base, "", 202)
	if err = errors.Join(err, ignoreEmpty(body, &list)); err != nil {
		return err
	}
	address := base + "/" + list.Value[0].ID
	for list.Value[0].Link == "" {
		body, err := w.send(ctx, "GET", address, "", 200)
		if err = errors.Join(err, ignoreEmpty(body, &list)); err != nil {
			return err
		}
	}
	file, err := w.send(ctx, "GET", list.Value[0].Link, "", 200)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(string(file), "PK") {
		return fmt.Errorf("the file is none: %.20q", file)
	}
	_, err = w.send(ctx, "DELETE", address, "", 200)
	return err
}

// ignoreEmpty decodes a body, if there is one.
func ignoreEmpty(body []byte, into any) error {
	if body == nil {
		return nil
	}
	return json.Unmarshal(body, into)
}

// Five hundred clients at a time meet no error, and the emulator does not grow.
func TestLoad(t *testing.T) {
	lasting := time.Duration(0)
	if text := os.Getenv(loadVariable); text != "" {
		var err error
		if lasting, err = time.ParseDuration(text); err != nil {
			t.Fatalf("%s: %v", loadVariable, err)
		}
	}
	e := startEmulator(t, "-rows", "200")
	ca, err := os.ReadFile(e.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)

	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	began := time.Now()
	var wg sync.WaitGroup
	var done atomic.Int64
	for range crowd {
		wg.Go(func() {
			w := e.newWorker(pool)
			defer w.http.CloseIdleConnections()
			err := w.signIn(ctx)
			for err == nil {
				if err = w.export(ctx); err == nil {
					done.Add(1)
				}
				if time.Since(began) >= lasting {
					break
				}
			}
			if err != nil {
				cancel(err) // the first is told
			}
		})
	}
	var early int
	if lasting > 0 && runtime.GOOS == "linux" {
		select {
		case <-time.After(lasting / 3):
			early = e.resident()
		case <-ctx.Done():
		}
	}
	if early > 0 {
		select {
		case <-time.After(max(time.Until(began.Add(lasting*19/20)), 0)):
			late := e.resident()
			t.Logf("resident after a third of the time: %d MiB, at the end: %d MiB", early>>10, late>>10)
			if late > early*5/4 {
				t.Errorf("the emulator grows from %d KiB to %d KiB", early, late)
			}
		case <-ctx.Done():
		}
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	t.Logf("%d clients, %d exports in %v: %.0f exports and about %.0f requests a second", crowd, done.Load(), took.Round(time.Millisecond),
		float64(done.Load())/took.Seconds(), 5*float64(done.Load())/took.Seconds())
	if done.Load() < crowd {
		t.Errorf("only %d exports were made", done.Load())
	}
}

// resident is the emulator's memory in KiB.
func (e *emulator) resident() int {
	e.t.Helper()
	b, err := os.ReadFile("/proc/" + strconv.Itoa(e.pid) + "/status")
	if err != nil {
		e.t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmRSS:" {
			n, err := strconv.Atoi(fields[1])
			if err != nil {
				e.t.Fatal(err)
			}
			return n
		}
	}
	e.t.Fatal("the kernel does not tell the emulator's memory")
	return 0
}
