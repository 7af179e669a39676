package auth

import "errors"

// cause is an error of foreign origin whose text has been redacted. It hides the
// original from everything that prints, and shows it to errors.Is and errors.As.
type cause struct {
	text string
	err  error
}

// scrubbed wraps err, with the secrets and whatever looks like one taken out of its
// text. It returns nil for nil.
func scrubbed(err error, secrets ...string) error {
	if err == nil {
		return nil
	}
	return &cause{text: tidy(err.Error(), 500, secrets), err: err}
}

// Error returns the redacted text.
func (c *cause) Error() string { return c.text }

// GoString keeps %#v from printing the original.
func (c *cause) GoString() string { return c.text }

// Is looks into the original.
func (c *cause) Is(target error) bool { return errors.Is(c.err, target) }

// As looks into the original.
func (c *cause) As(target any) bool { return errors.As(c.err, target) }
