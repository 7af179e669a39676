// Package rotationtest proves that refresh tokens survive in a store: when many processes
// redeem the same one at once, and when processes are killed at any moment. It runs
// against a fake Entra ID whose refresh tokens work once, or go on working, on loopback
// over TLS.
//
// A place and the function that opens it are those of package storetest, and so is the way
// in which the test binary is started again: call Run once per test function, directly.
package rotationtest
