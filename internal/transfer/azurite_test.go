package transfer

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// The account and key that every Azurite has; they are public knowledge (Learn,
// "Use the Azurite emulator").
const (
	azuriteAccount = "devstoreaccount1"
	azuriteKey     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// accountSAS signs a query that may do what the test needs (Learn, "Create an
// account SAS").
func accountSAS(t *testing.T) string {
	t.Helper()
	const version, rights, services, kinds = "2021-12-02", "rwc", "b", "sco"
	expires := time.Now().Add(2 * time.Hour).UTC().Format(time.RFC3339)
	key, err := base64.StdEncoding.DecodeString(azuriteKey)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(strings.Join([]string{azuriteAccount, rights, services, kinds, "", expires, "", "", version, "", ""}, "\n")))
	return url.Values{
		"sv": {version}, "ss": {services}, "srt": {kinds}, "sp": {rights}, "se": {expires},
		"sig": {base64.StdEncoding.EncodeToString(mac.Sum(nil))},
	}.Encode()
}

// startAzurite runs Microsoft's emulator and returns its address.
func startAzurite(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("azurite-blob")
	if err != nil {
		const message = "azurite-blob is not installed: npm install -g azurite"
		if os.Getenv("CI") == "true" {
			t.Fatal(message)
		}
		t.Skip(message)
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "--silent", "--inMemoryPersistence", "--disableTelemetry",
		"--skipApiVersionCheck", "--blobHost", "127.0.0.1", "--blobPort", port)
	cmd.Dir = t.TempDir()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for range 600 {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
		if err == nil {
			_ = c.Close()
			return addr
		}
		time.Sleep(100 * time.Millisecond) // another process starts in its own time
	}
	t.Fatalf("azurite does not listen: %s", out.String())
	return ""
}

func put(t *testing.T, address string, body []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("x-ms-version", "2021-12-02")
	if body != nil {
		req.Header.Set("x-ms-blob-type", "BlockBlob")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("%s: %s", req.URL.Path, resp.Status)
	}
}

// The same as TestKilledProcesses, against Microsoft's own emulator of the store.
func TestKilledProcessesWithAzurite(t *testing.T) {
	addr := startAzurite(t)
	defer http.DefaultClient.CloseIdleConnections()
	query := accountSAS(t)
	base := "http://" + addr + "/" + azuriteAccount + "/exports"
	data := randomBytes(6<<20 + 1)
	put(t, base+"?restype=container&"+query, nil)
	put(t, base+"/march.zip?"+query, data)

	// A proxy with TLS before it counts the bytes and kills.
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: addr})
	}}
	var quota atomic.Int64
	var kill atomic.Pointer[func()]
	srv := newNarrowServer(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		proxy.ServeHTTP(&counting{w, &quota, &kill}, req)
	}))
	proxy.ErrorLog = srv.Config.ErrorLog
	killMany(t, srv.URL+"/"+azuriteAccount+"/exports/march.zip?"+query, certificate(srv), data, &quota, &kill)
}
