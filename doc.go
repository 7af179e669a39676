// Package partnercenter holds the vocabulary that the packages of this module
// share: options, token source, errors, pollers, rows. It sends no requests.
//
// Begin with one of the packages that do:
//
//   - payouts exports earnings and payments and reads them as typed rows
//   - auth makes the token sources that every client wants
//   - pctest is a fake Partner Center for tests, and for trying things out
//
// A client is made of a token source and, if the defaults do not fit, [Options]:
//
//	source, err := auth.FromEnvironment(nil)
//	client, err := payouts.New(source, nil)
//
// # Errors
//
// What the service refuses is one type, [*Error], which [errors.Is] compares with
// [ErrNotFound], [ErrThrottled] and the others. Mistakes that can be seen on this
// side are plain errors and cost no request.
//
// # Retries
//
// Every client repeats failed attempts as [RetryOptions] says: never a POST whose
// fate is unknown unless it carries an idempotency key, never sooner than the
// service asks for, and never longer than the context lasts.
//
// # Long work
//
// Exports take minutes to hours. Operations that do return a [Poller]: wait for
// it, range over what it sees, or write its resume token down and go on in
// another process.
//
// # Secrets
//
// Tokens, client secrets and pre-signed links are [Secret] values, which do not
// print. Errors and log records hold no query strings and none of these.
package partnercenter
