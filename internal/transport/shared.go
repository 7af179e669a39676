package transport

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// sharedTransport is the connection pool of all clients that bring none of their
// own, so that hundreds of tenants share connections to the same host.
var sharedTransport = sync.OnceValue(func() *http.Transport {
	var both http.Protocols
	both.SetHTTP1(true)
	both.SetHTTP2(true)
	return newTransport(both)
})

// sharedBlobTransport is the same for blob stores. Side by side, requests over
// HTTP/2 would share one TCP connection, and be as fast together as that is.
var sharedBlobTransport = sync.OnceValue(func() *http.Transport {
	var separate http.Protocols
	separate.SetHTTP1(true)
	return newTransport(separate)
})

func newTransport(protocols http.Protocols) *http.Transport {
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: (&net.Dialer{
			Timeout:   30 * time.Second,
			KeepAlive: 30 * time.Second,
		}).DialContext,
		Protocols:             &protocols,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   32,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}
