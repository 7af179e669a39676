package auth_test

import (
	"io"
	"log"
)

// discardLog silences the test server, which complains of the connections that faults cut.
func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }
