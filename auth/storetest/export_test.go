package storetest

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
