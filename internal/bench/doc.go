// Package bench holds the benchmarks that compare this module with what one would
// use in its place. It is a module of its own, so that the contenders are nobody
// else's dependency.
//
//	go test -run '^$' -bench . ./internal/bench
package bench
