package pctest

import (
	"reflect"
	"testing"
	"time"
)

// TestBehaviorIsPassedOnWhole fills every field, so that one which is forgotten on
// the way to the fake or back shows.
func TestBehaviorIsPassedOnWhole(t *testing.T) {
	t.Parallel()
	var b Behavior
	fill(t, reflect.ValueOf(&b).Elem())
	b.Steps = []Step{Queued(1), ProcessingFor(time.Second), CompletedWithNullLink(2), CompletedWithoutLink(1)}
	if got := behaviorOf(b.settings()); !reflect.DeepEqual(b, got) {
		t.Errorf("%+v came back as %+v", b, got)
	}
}

func TestIngestionBehaviorIsPassedOnWhole(t *testing.T) {
	t.Parallel()
	b := IngestionBehavior{
		ErrorShape: new(ShapeText), ToPreview: []SubmissionStep{InDraft().For(time.Second), Shows("a", "b").Polls(3)}, ToLive: []SubmissionStep{InStore()},
	}
	for _, f := range reflect.ValueOf(&b).Elem().Fields() {
		if f.IsZero() {
			fill(t, f)
		}
	}
	s := b.settings()
	if got := ingestionBehaviorOf(&s); !reflect.DeepEqual(b, got) {
		t.Errorf("%+v came back as %+v", b, got)
	}
}

func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Struct:
		for _, f := range v.Fields() {
			fill(t, f)
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(2)
	case reflect.String:
		v.SetString("x")
	case reflect.Slice:
		switch v.Type().Elem().Kind() {
		case reflect.String:
			v.Set(reflect.ValueOf([]string{"x"}))
		case reflect.Int:
			v.Set(reflect.ValueOf([]int{2}))
		default: // steps, which the tests fill
		}
	default:
		t.Fatalf("the test does not know how to fill a %s", v.Type())
	}
}
