package transport

// AnswerError is a request that was answered with 2xx and with a body that cannot
// be used: a proxy's page, say. What was asked for may have been done.
type AnswerError struct {
	// Err says what is wrong with the answer.
	Err error
}

// Error returns the text of Err.
func (e *AnswerError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *AnswerError) Unwrap() error { return e.Err }

// Temporary reports true: waits ask again, since the next answer may be the
// service's own.
func (e *AnswerError) Temporary() bool { return true }
