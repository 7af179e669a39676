package storetest

import "os"

// InChild reports whether this process is a child that a test has started.
func InChild() bool {
	_, ok := os.LookupEnv(childVariable)
	return ok
}

// Subtests returns the names of all subtests, for the test that each can fail.
func Subtests() []string {
	s := &suite{opts: Options{Processes: true}}
	var names []string
	for _, group := range s.groups() {
		for name := range group {
			names = append(names, name)
		}
	}
	return names
}
