package transfer

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// scriptedLinks hands out the links of a list, the last one for ever, and notes
// what it was told to be stale.
func scriptedLinks(stale *[]string, list ...string) *links {
	n := 0
	return &links{ask: func(_ context.Context, old partnercenter.Secret) (partnercenter.Secret, error) {
		*stale = append(*stale, old.Reveal())
		n++
		return partnercenter.NewSecret(list[min(n, len(list))-1]), nil
	}}
}

func TestLinkIsAskedForOnceWhileItIsGood(t *testing.T) {
	var asked []string
	l := scriptedLinks(&asked, "https://blob.example/a?sig=1")
	for range 3 {
		if u, err := l.current(t.Context()); err != nil || u.String() != "https://blob.example/a?sig=1" {
			t.Fatalf("%v, %v", u, err)
		}
	}
	if len(asked) != 1 || asked[0] != "" {
		t.Errorf("asked with %q, want once with nothing", asked)
	}
}

func TestLinkIsReplacedWhenItsTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := time.Now().Add(time.Hour).UTC()
		first := "https://blob.example/a?se=" + end.Format(time.RFC3339) + "&sig=1"
		second := "https://blob.example/a?se=" + end.Add(time.Hour).Format(time.RFC3339) + "&sig=2"
		var asked []string
		l := scriptedLinks(&asked, first, second)
		step := func(want string) {
			t.Helper()
			if u, err := l.current(t.Context()); err != nil || u.String() != want {
				t.Fatalf("%v, %v; want %s", u, err, want)
			}
		}
		step(first)
		time.Sleep(time.Hour - time.Second)
		step(first)
		time.Sleep(time.Second)
		step(second)
		if len(asked) != 2 || asked[1] != first {
			t.Errorf("asked with %q", asked)
		}
	})
}

func TestWrongClockDoesNotAskForLinksForEver(t *testing.T) {
	var asked []string
	l := scriptedLinks(&asked, "https://blob.example/a?se=2001-02-03T04:05:06Z&sig=1", "https://blob.example/a?se=2001-02-04&sig=2")
	for range 5 {
		if u, err := l.current(t.Context()); err != nil || u.Query().Get("sig") != "2" {
			t.Fatalf("%v, %v", u, err)
		}
	}
	if len(asked) != 2 {
		t.Errorf("asked %d times, want 2", len(asked))
	}
}

func TestRefusedLinkIsReplacedOnceUntilOneIsAccepted(t *testing.T) {
	var asked []string
	l := scriptedLinks(&asked, "https://h/a?sig=1", "https://h/a?sig=2", "https://h/a?sig=3")
	if _, err := l.current(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused := func(want bool) {
		t.Helper()
		if got, err := l.refused(t.Context(), l.url); got != want || err != nil {
			t.Fatalf("refused = %t, %v; want %t", got, err, want)
		}
	}
	refused(true)
	refused(false) // the fresh one, at once
	l.accepted(l.url)
	refused(true)
	l.accepted(l.url)
	refused(false) // there is only this link
	if want := []string{"", "https://h/a?sig=1", "https://h/a?sig=2", "https://h/a?sig=3"}; strings.Join(asked, " ") != strings.Join(want, " ") {
		t.Errorf("asked with %q, want %q", asked, want)
	}
}

func TestBadLinksAreRefusedWithoutQuotingThem(t *testing.T) {
	for _, link := range []string{"", "/relative?sig=" + canary, "https://?sig=" + canary, "%zz?sig=" + canary, "https://h:x/?sig=" + canary} {
		var asked []string
		l := scriptedLinks(&asked, link)
		_, err := l.current(t.Context())
		keepsSecret(t, err)
		if !strings.Contains(err.Error(), "not an absolute URL") {
			t.Errorf("%q: %v", link, err)
		}
	}
}

func TestFailureToGetALinkIsPassedOn(t *testing.T) {
	cause := errors.New("export deleted")
	l := links{ask: func(context.Context, partnercenter.Secret) (partnercenter.Secret, error) {
		return partnercenter.Secret{}, cause
	}}
	if _, err := l.current(t.Context()); !errors.Is(err, cause) {
		t.Errorf("current: %v", err)
	}
	if _, err := l.refused(t.Context(), l.url); !errors.Is(err, cause) {
		t.Errorf("refused: %v", err)
	}
}

func TestExpiryOfLinks(t *testing.T) {
	for text, want := range map[string]time.Time{
		"2026-03-04T05:06:07Z":      time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
		"2026-03-04T05:06:07.5Z":    time.Date(2026, 3, 4, 5, 6, 7, 5e8, time.UTC),
		"2026-03-04T05:06Z":         time.Date(2026, 3, 4, 5, 6, 0, 0, time.UTC),
		"2026-03-04T05%3A06%3A07Z":  time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
		"2026-03-04T05:06:07-01:00": time.Date(2026, 3, 4, 6, 6, 7, 0, time.UTC),
		"2026-03-04":                time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC),
		"tomorrow":                  {},
		"":                          {},
	} {
		l := links{ask: func(context.Context, partnercenter.Secret) (partnercenter.Secret, error) {
			return partnercenter.NewSecret("https://h/a?se=" + text), nil
		}}
		if err := l.fetch(t.Context()); err != nil || !l.expires.Equal(want) {
			t.Errorf("se=%s: %v, %v; want %v", text, l.expires, err, want)
		}
	}
}

func TestNameIsTheLinksLastSegment(t *testing.T) {
	for link, want := range map[string]string{
		"https://h/c/earnings%20one.zip?sig=x": "earnings one.zip",
		"https://h/c/":                         "c",
		"https://h/":                           "h",
		"https://h:444":                        "h",
	} {
		var asked []string
		l := scriptedLinks(&asked, link)
		if got := l.name(); got != "" {
			t.Errorf("name %q without a link", got)
		}
		if _, err := l.current(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := l.name(); got != want {
			t.Errorf("%s: %q, want %q", link, got, want)
		}
	}
}
