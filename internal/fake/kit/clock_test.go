package kit_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

func TestClockRunsFaster(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c kit.Clock
		began := time.Now()
		c.SetSpeed(3600)
		time.Sleep(10 * time.Second)
		c.Advance(time.Minute)
		if got := c.Now().Sub(began); got != 10*time.Hour+time.Minute {
			t.Errorf("after ten seconds at 3600 and a minute, %v have passed", got)
		}
		if got := c.Wall().Sub(began); got != 10*time.Second+time.Minute {
			t.Errorf("on the wall, %v have passed", got)
		}
		if got := c.Offset(); got != time.Minute {
			t.Errorf("the offset is %v", got)
		}
		// Another speed changes nothing about what has been.
		c.SetSpeed(1)
		time.Sleep(time.Second)
		if got := c.Now().Sub(began); got != 10*time.Hour+time.Minute+time.Second {
			t.Errorf("slow again: %v", got)
		}
		var next kit.Clock
		next.SetLead(c.Lead())
		if !next.Now().Equal(c.Now()) || !next.Wall().Equal(c.Wall()) {
			t.Errorf("%v and %v differ from %v and %v", next.Now(), next.Wall(), c.Now(), c.Wall())
		}
	})
}

func TestClockTellsHowLongToWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c kit.Clock
		if got := c.Until(c.Now().Add(time.Minute)); got != time.Minute {
			t.Errorf("a minute is %v away", got)
		}
		if got := c.Until(c.Now().Add(-time.Minute)); got != 0 {
			t.Errorf("the past is %v away", got)
		}
		c.SetSpeed(60)
		goal := c.Now().Add(time.Hour)
		d := c.Until(goal)
		if d < time.Minute || d > time.Minute+time.Microsecond {
			t.Errorf("an hour is %v away", d)
		}
		time.Sleep(d)
		if c.Now().Before(goal) {
			t.Error("it was too early")
		}
	})
}

func TestClockStaysWithinADatesReach(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c kit.Clock
		began := time.Now()
		for range 5 { // a Duration holds less than three times this
			c.Advance(kit.MaxLead)
		}
		if got := c.Now().Sub(began); got != kit.MaxLead {
			t.Errorf("advanced by %v", got)
		}
		c.SetSpeed(1_000_000)
		time.Sleep(24 * time.Hour)
		if got := c.Now().Sub(began); got != 2*kit.MaxLead+24*time.Hour {
			t.Errorf("running fast has brought it to %v", got)
		}
		c.SetSpeed(1_000_000)
		time.Sleep(24 * time.Hour)
		if got := c.Now().Sub(began); got != 2*kit.MaxLead+48*time.Hour {
			t.Errorf("at its end it has gone to %v", got)
		}
	})
}
