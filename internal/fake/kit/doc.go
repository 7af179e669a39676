// Package kit holds what the fake services have in common: a clock that a test
// can move, the recorder of requests, the faults that a test scripts, the error
// bodies that services and gateways answer with, and the in-process transport
// that carries requests to the handlers without a network.
package kit
