package transport

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/redact"
)

// logAttempt writes one record per attempt. It names host and path, never the
// query, headers or bodies.
func (c *Client) logAttempt(next roundTrip) roundTrip {
	return func(req *http.Request) (*http.Response, error) {
		ctx := req.Context()
		if !c.log.Enabled(ctx, slog.LevelDebug) {
			return next(req)
		}
		st := callOf(req)
		start := time.Now()
		resp, err := next(req)
		attrs := []slog.Attr{
			slog.String("method", req.Method),
			slog.String("host", req.URL.Host),
			slog.String("path", req.URL.EscapedPath()),
			slog.Int("attempt", st.attempts),
			slog.Duration("duration", time.Since(start)),
			slog.String("client_request_id", st.requestID),
		}
		if err != nil {
			attrs = append(attrs, slog.String("error", scrub(err, st.bearers).Error()))
		} else {
			attrs = append(attrs, slog.Int("status", resp.StatusCode), slog.Int("bytes", len(st.body)),
				slog.String("request_id", redact.Text(resp.Header.Get("Request-ID"), st.bearers...)))
		}
		c.log.LogAttrs(ctx, slog.LevelDebug, "request", attrs...)
		return resp, err
	}
}

// logRetry writes one record per decided retry.
func (c *call) logRetry(ctx context.Context, resp *http.Response, err error) {
	log := c.client.log
	if !log.Enabled(ctx, slog.LevelInfo) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", c.method),
		slog.String("path", c.path),
		slog.Int("retry", c.retries),
		slog.Duration("delay", c.delay),
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", scrub(err, c.bearers).Error()))
	} else {
		attrs = append(attrs, slog.Int("status", resp.StatusCode))
	}
	log.LogAttrs(ctx, slog.LevelInfo, "retrying", attrs...)
}
