package auth

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strconv"
)

// ForeignError turns the error of another library's token source into an [*Error], for
// authors of adapters such as auth/azcoreauth: the codes of Entra ID are found, explained
// and sorted into a [Kind], and secrets are taken out of the text.
//
// If err carries the answer of a token endpoint, pass it as answer, and what it said as
// body; otherwise both are nil and the text of err must do. [errors.Is] and [errors.As]
// see through the result to err. Errors of this package come back as they are, and nil as
// nil.
func ForeignError(err error, answer *http.Response, body []byte) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	var e *Error
	if answer != nil {
		e = classify(answer, body, "", nil)
	} else {
		e = classifyText(err)
	}
	e.Err = scrubbed(err)
	return e
}

// classifyText makes what it can of an error that is only a text, such as that of a
// command-line tool. The numbers of AADSTS messages are the only firm ground in it.
func classifyText(err error) *Error {
	e := &Error{Description: tidy(err.Error(), 500, nil), STSCodes: numbersIn(err.Error())}
	_, network := errors.AsType[net.Error](err)
	switch {
	case len(e.STSCodes) > 0:
		e.Kind = kindOfNumbers(e)
	case network, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		e.Kind = KindTransient
	}
	e.Advice = e.advice()
	return e
}

// numbersIn finds the numbers of AADSTS messages, in their order, each once.
func numbersIn(text string) []int {
	var numbers []int
	for _, m := range stsNumber.FindAllStringSubmatch(text, 4) {
		if n, err := strconv.Atoi(m[1]); err == nil && !slices.Contains(numbers, n) {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// kindOfNumbers sorts an error of which nothing but the numbers is known.
func kindOfNumbers(e *Error) Kind {
	switch k := kindOf(e, ""); {
	case k == KindTransient, k == KindWrongCloud:
		return k
	case e.HasSTSCode(7000215, 7000222, 7000218, 700025, 700027):
		return KindBadClientCredential
	case e.HasSTSCode(700016, 500011, 90002, 70011, 1002012):
		return KindBadConfiguration
	case e.HasSTSCode(70000, 70008, 700082, 50173, 70043, 700084):
		return KindRefreshTokenDead
	}
	if k := kindOfGrant(e, ""); k != KindRefreshTokenDead { // which is its answer to the unknown
		return k
	}
	return KindUnknown
}

// advice explains the first number that has an explanation, or else the kind.
func (e *Error) advice() string {
	for _, c := range e.STSCodes {
		if text := explain(c); text != "" {
			return text
		}
	}
	return e.Kind.advice()
}
