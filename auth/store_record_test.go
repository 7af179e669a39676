package auth_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	pc "github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
)

// storeCanary is in the refresh tokens of these tests.
const storeCanary = "canary-refresh-token"

// storeRecord is a record like those that the flows save.
func storeRecord(token string) auth.Record {
	return auth.Record{
		RefreshToken:  pc.NewSecret(storeCanary + "-" + token),
		ClientID:      clientID,
		TenantID:      tenantID,
		AuthorityHost: "login.microsoftonline.com",
		ObtainedAt:    time.Date(2026, 11, 1, 12, 0, 0, 1, time.UTC),
		LastUsedAt:    time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC),
		SignedInAt:    time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC),
	}
}

// The serialised form is a promise: programs of other versions read it.
func TestRecordFormat(t *testing.T) {
	r := storeRecord("1")
	r.Extra = map[string]json.RawMessage{"later": json.RawMessage(`{"a":"<1>"}`)}
	got, err := auth.MarshalRecord(r)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"authority_host":"login.microsoftonline.com","client_id":"` + clientID + `","last_used_at":"2026-11-02T12:00:00Z","later":{"a":"<1>"},` +
		`"obtained_at":"2026-11-01T12:00:00.000000001Z","refresh_token":"` + storeCanary + `-1","schema":1,"signed_in_at":"2026-10-01T12:00:00Z","tenant_id":"` + tenantID + `"}`
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	back, err := auth.UnmarshalRecord(got)
	if err != nil {
		t.Fatal(err)
	}
	r.Schema = 1
	if d := cmp.Diff(r, back, cmp.Transformer("token", pc.Secret.Reveal)); d != "" {
		t.Errorf("(-saved +loaded)\n%s", d)
	}
}

func TestRecordKeepsLocalTimesAsInstants(t *testing.T) {
	r := storeRecord("1")
	r.ObtainedAt = time.Date(2026, 3, 29, 2, 30, 0, 5, time.FixedZone("", -3*3600))
	data, err := auth.MarshalRecord(r)
	if err != nil {
		t.Fatal(err)
	}
	back, err := auth.UnmarshalRecord(data)
	if err != nil || !back.ObtainedAt.Equal(r.ObtainedAt) || back.ObtainedAt.Location() != time.UTC {
		t.Errorf("%v, error %v, want %v in UTC", back.ObtainedAt, err, r.ObtainedAt)
	}
}

func TestRecordWithOnlyATokenHasNoEmptyFields(t *testing.T) {
	got, err := auth.MarshalRecord(auth.Record{RefreshToken: pc.NewSecret("x<&>")})
	if want := `{"refresh_token":"x<&>","schema":1}`; err != nil || string(got) != want {
		t.Errorf("%s, error %v, want %s", got, err, want)
	}
}

func TestRecordFieldNamesAreExact(t *testing.T) {
	const data = `{"schema":1,"refresh_token":"a","Refresh_Token":"b","CLIENT_ID":"c","client_id":"d"}`
	r, err := auth.UnmarshalRecord([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	if r.RefreshToken.Reveal() != "a" || r.ClientID != "d" || len(r.Extra) != 2 {
		t.Errorf("token %q, client %q, unknown %q", r.RefreshToken.Reveal(), r.ClientID, r.Extra)
	}
}

func TestMarshalRecordRefusesWhatWouldNotComeBack(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*auth.Record)
		says   string
		is     error
	}{
		"no token":          {func(r *auth.Record) { r.RefreshToken = pc.Secret{} }, "no refresh token", nil},
		"printed token":     {func(r *auth.Record) { r.RefreshToken = pc.NewSecret(r.RefreshToken.String()) }, "redacted print-out", nil},
		"token not UTF-8":   {func(r *auth.Record) { r.RefreshToken = pc.NewSecret("a\xff") }, "refresh_token is not valid UTF-8", nil},
		"client not UTF-8":  {func(r *auth.Record) { r.ClientID = "\xff" }, "client_id is not valid UTF-8", nil},
		"year 10000":        {func(r *auth.Record) { r.SignedInAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, "signed_in_at is in the year 10000", nil},
		"newer schema":      {func(r *auth.Record) { r.Schema = 2 }, "schema 2", auth.ErrNewerSchema},
		"negative schema":   {func(r *auth.Record) { r.Schema = -1 }, "schema -1", auth.ErrNewerSchema},
		"known field twice": {func(r *auth.Record) { r.Extra = map[string]json.RawMessage{"tenant_id": []byte(`1`)} }, `must not hold "tenant_id"`, nil},
		"unknown not JSON":  {func(r *auth.Record) { r.Extra = map[string]json.RawMessage{"new": nil} }, `Extra["new"] is not valid JSON`, nil},
		"name not UTF-8":    {func(r *auth.Record) { r.Extra = map[string]json.RawMessage{"\xff": []byte(`1`)} }, "must not hold", nil},
		"too large": {func(r *auth.Record) { r.RefreshToken = pc.NewSecret(strings.Repeat("x", auth.MaxRecordSize)) },
			"at most 65536", auth.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			r := storeRecord("1")
			c.change(&r)
			data, err := auth.MarshalRecord(r)
			if err == nil || data != nil || !strings.Contains(err.Error(), c.says) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%q, error %v, want one that says %q and is %v", data, err, c.says, c.is)
			}
		})
	}
}

func TestUnmarshalRecordRefusesWhatIsNone(t *testing.T) {
	for data, want := range map[string]error{
		``:                auth.ErrUnreadable,
		`null`:            auth.ErrUnreadable,
		`[]`:              auth.ErrUnreadable,
		`"` + storeCanary: auth.ErrUnreadable,
		`{"schema":1,"refresh_token":"` + storeCanary + `"`:      auth.ErrUnreadable, // cut off
		`{"refresh_token":"` + storeCanary + `"}`:                auth.ErrUnreadable, // no schema
		`{"schema":0,"refresh_token":"` + storeCanary + `"}`:     auth.ErrUnreadable,
		`{"schema":"` + storeCanary + `","refresh_token":"x"}`:   auth.ErrUnreadable,
		`{"schema":2,"refresh_token":{"` + storeCanary + `":1}}`: auth.ErrNewerSchema,
		`{"schema":1}`:                                                                   auth.ErrUnreadable,
		`{"schema":1,"refresh_token":null}`:                                              auth.ErrUnreadable,
		`{"schema":1,"refresh_token":"[redacted]"}`:                                      auth.ErrUnreadable,
		`{"schema":1,"refresh_token":"` + storeCanary + `","tenant_id":7}`:               auth.ErrUnreadable,
		`{"schema":1,"refresh_token":"` + storeCanary + `","obtained_at":"yesterday"}`:   auth.ErrUnreadable,
		`{"schema":1,"refresh_token":"x","obtained_at":"9999-12-31T23:59:59-12:00"}`:     auth.ErrUnreadable,
		`{"schema":1,"refresh_token":"` + strings.Repeat("x", auth.MaxRecordSize) + `"}`: auth.ErrUnreadable,
	} {
		r, err := auth.UnmarshalRecord([]byte(data))
		if !errors.Is(err, want) || !r.RefreshToken.IsZero() {
			t.Errorf("%.80s: %v, want %v", data, err, want)
		}
		if strings.Contains(fmt.Sprintf("%v %#v", err, err), storeCanary) {
			t.Errorf("%.80s: the error shows it: %v", data, err)
		}
	}
}

func TestPrintedRecordsShowNoSecret(t *testing.T) {
	r := storeRecord("1")
	r.Extra = map[string]json.RawMessage{"spare_token": json.RawMessage(`"` + storeCanary + `"`)}
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
		slog.New(h).Info("loaded", "record", r, "pointer", &r, "list", []auth.Record{r})
	}
	text := log.String()
	for _, v := range []any{r, &r, []auth.Record{r}, struct{ R auth.Record }{r}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			text += fmt.Sprintf(verb, v)
		}
		data, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		text += string(data)
	}
	if strings.Contains(text, storeCanary) || strings.Contains(text, fmt.Sprintf("%x", storeCanary)) || strings.Contains(text, strings.Trim(fmt.Sprintf("%d", []byte(storeCanary)), "[]")) {
		t.Error("the token is printed:", text)
	}
	if !strings.Contains(text, tenantID) || !strings.Contains(log.String(), "signed_in_at") {
		t.Error("the rest is not printed:", text)
	}
	if _, err := auth.UnmarshalRecord(must(json.Marshal(r))); !errors.Is(err, auth.ErrUnreadable) {
		t.Errorf("what json.Marshal makes of a record can be loaded: %v", err)
	}
	if got := r.GoString(); !strings.HasPrefix(got, "auth.Record(refresh token of application ") {
		t.Errorf("GoString() = %q", got)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// What can be loaded can be saved again and then is the same: a record that loads but
// does not save would lose the token that has just been redeemed.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"schema":1,"refresh_token":"x","obtained_at":"2026-01-01T00:00:00+01:00","new":[1.0,"<"]}`))
	f.Add([]byte(`{"schema":1,"refresh_token":"\ud800","tenant_id":"\u0000\u2028","last_used_at":"0001-01-01T00:00:00Z"}`))
	f.Add([]byte(`{"schema":1,"refresh_token":"x","obtained_at":"0000-01-01T00:00:00+23:59"}`))
	f.Add([]byte("{\"schema\":1,\"refresh_token\":\"\xff\",\"\xff\":\"\xff\"}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > auth.MaxRecordSize/6 {
			return // escapes can make the next form six times as long
		}
		r, err := auth.UnmarshalRecord(data)
		if err != nil {
			return
		}
		first, err := auth.MarshalRecord(r)
		if err != nil {
			t.Fatalf("loaded, but cannot be saved: %v", err)
		}
		again, err := auth.UnmarshalRecord(first)
		if err != nil {
			t.Fatalf("saved, but cannot be loaded: %v", err)
		}
		second, err := auth.MarshalRecord(again)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("%s became %s, error %v", first, second, err)
		}
	})
}
